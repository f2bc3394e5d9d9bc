package agent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline/access"
	"github.com/seed-77750964/regain/offline/winroot"
)

// KeyFallback is consent to a root-owned key file, /etc/ssh/regain.d/USER, also
// where the home directory could serve.
const KeyFallback = "linux/key-fallback"

// Repairs lists the ids that --repair knows.
func Repairs() []string { return append([]string{KeyFallback}, consents(winroot.Repair)...) }

// Accepts lists the ids that --accept knows.
func Accepts() []string { return consents(winroot.Accept) }

// consents are the findings of Windows that want this consent.
func consents(kind winroot.Consent) []string {
	var ids []string
	for _, c := range winroot.Causes() {
		if c.Consent == kind {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// ParseRepair reads --repair: all, none, or ids with commas between them, which
// may be those that --accept takes, too. The empty text means what needs no
// consent. allow are the findings of Windows among them.
func ParseRepair(text string) (r access.Repair, allow []string, err error) {
	switch text {
	case "":
		return r, nil, nil
	case "none":
		return access.Repair{None: true}, nil, nil
	case "all":
		return access.Repair{Fallback: true}, consents(winroot.Repair), nil
	}
	ids, err := parseIDs("--repair", text, slices.Concat(Repairs(), Accepts()), "it takes all, none, or of these, with commas between: "+strings.Join(Repairs(), ", "))
	r.Fallback = slices.Contains(ids, KeyFallback)
	return r, slices.DeleteFunc(ids, func(id string) bool { return id == KeyFallback }), err
}

// ParseAccept reads --accept: ids with commas between them. None is accepted
// without being named.
func ParseAccept(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	return parseIDs("--accept", text, Accepts(), "it takes of these, with commas between: "+strings.Join(Accepts(), ", "))
}

func parseIDs(flag, text string, known []string, hint string) (ids []string, err error) {
	for id := range strings.SplitSeq(text, ",") {
		id = strings.TrimSpace(id)
		if !slices.Contains(known, id) {
			return nil, &UsageError{Text: fmt.Sprintf("%s knows no %q", flag, id), Hint: hint}
		}
		ids = append(ids, id)
	}
	return ids, nil
}
