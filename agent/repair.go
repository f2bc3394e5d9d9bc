package agent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline/access"
)

// KeyFallback is consent to a root-owned key file, /etc/ssh/regain.d/USER, also
// where the home directory could serve.
const KeyFallback = "linux/key-fallback"

// Repairs lists the ids that --repair knows.
func Repairs() []string { return []string{KeyFallback} }

// ParseRepair reads --repair: all, none, or ids with commas between them. The
// empty text means what needs no consent.
func ParseRepair(text string) (access.Repair, error) {
	switch text {
	case "":
		return access.Repair{}, nil
	case "none":
		return access.Repair{None: true}, nil
	case "all":
		return access.Repair{Fallback: true}, nil
	}
	var r access.Repair
	for id := range strings.SplitSeq(text, ",") {
		id = strings.TrimSpace(id)
		if !slices.Contains(Repairs(), id) {
			return r, &UsageError{Text: fmt.Sprintf("--repair knows no %q", id), Hint: "it takes all, none, or of these, with commas between: " + strings.Join(Repairs(), ", ")}
		}
		r.Fallback = r.Fallback || id == KeyFallback
	}
	return r, nil
}
