package main

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/seed-77750964/regain/offline/winroot"
)

// TestDocsNameFindingsThatThereAre: what the pages about Windows call a finding is
// one, and a flag that they give for it is its own.
func TestDocsNameFindingsThatThereAre(t *testing.T) {
	consents := map[string]winroot.Consent{}
	for _, c := range winroot.Causes() {
		consents[c.ID] = c.Consent
	}
	named := regexp.MustCompile(`(?:(--repair|--accept) )?(windows/[a-z-]+\*?)`)
	for _, page := range []string{"windows.md", "windows-acceptance.md", "threat-model.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			consent, ok := consents[m[2]]
			if !ok && !slices.Contains([]string{"windows/task-not-at-boot"}, m[2]) { // one of windows/task-*
				t.Errorf("%s: nothing finds %s", page, m[2])
			}
			if m[1] != "" && string(consent) != m[1] {
				t.Errorf("%s: %s takes %q, not %s", page, m[2], consent, m[1])
			}
		}
	}
}
