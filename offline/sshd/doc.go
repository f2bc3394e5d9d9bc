// Package sshd composes the verdict: will this system's sshd let this user in
// with this key, and if not, why not. It is a claim about the whole login, in
// sshd's own order of events: the daemon starts, the connection is let through,
// the account is allowed, the key is found where it may be read from, PAM agrees,
// and a session begins that is of use. Each reason names its file and line. What
// cannot be modelled makes the answer unknown, never accepted.
//
// The parts it puts together are in packages of their own: conf (sshd's
// configuration), account, sshkey, acl, pam, selinux and tcpwrap. It reads
// through offline.Volume only, writes nothing, runs nothing, and imports neither
// os/exec nor net nor os/user. Which user, which key, and what to repair are
// decided elsewhere.
package sshd
