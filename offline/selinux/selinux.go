// Package selinux reads what SELinux says about a foreign tree: whether a
// policy is installed and enforced after the next boot, and which label the
// policy's file contexts give to a path, so that a file written from outside
// carries the label that sshd may read.
//
// It reads only through offline.Volume. It writes no label, loads no policy,
// asks nothing of the helper's own SELinux, and links no libselinux; compiled
// contexts (.bin) are ignored, since the text beside them says the same.
package selinux

import "strings"

// Type is the type field of a label, "ssh_home_t" in
// "unconfined_u:object_r:ssh_home_t:s0"; empty when there is none.
func Type(label string) string {
	fields := strings.SplitN(label, ":", 4)
	if len(fields) < 3 {
		return ""
	}
	return fields[2]
}

// hasLevel tells whether a label carries the MLS or MCS level after its type.
func hasLevel(label string) bool { return strings.Count(label, ":") >= 3 }

// withLevel makes the label fit the policy: the kernel refuses a label without
// level under an MLS or MCS policy, and one with level under any other.
func withLevel(label string, mls bool) string {
	fields := strings.SplitN(label, ":", 4)
	switch {
	case len(fields) < 3:
		return ""
	case !mls:
		return strings.Join(fields[:3], ":")
	case len(fields) == 3:
		return label + ":s0"
	}
	return label
}
