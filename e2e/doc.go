// Package e2e holds tests alone. They build the three programs and drive them
// as people do: a lab as the account, a real Debian disk as the patient, a real
// sshd as the judge. It imports nothing of what it tests.
package e2e
