package sshkey

// Version is an OpenSSH release such as 9.2. The zero value means unknown, and is taken for a current one.
type Version struct{ Major, Minor int }

// Before reports whether v is an older release than w.
func (v Version) Before(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}
