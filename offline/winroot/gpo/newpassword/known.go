package newpassword

import (
	"crypto/rsa"
	"regexp"
	"strings"
)

// Knows tells whether starter and script are those that Install makes for the run and the key, whatever the policy was.
// Scripts of another release of regain are not known.
func Knows(run string, key *rsa.PublicKey, starterFile, script []byte) bool {
	if !runID.MatchString(run) || checkKey(key) != nil || string(starterFile) != starter("regain-"+run, run) {
		return false
	}
	filled, err := substitute(identity(run, key))
	if err != nil {
		return false
	}
	pattern := regexp.QuoteMeta(string(filled))
	for _, place := range []string{"SCRIPTS_BEFORE", "SCRIPTS_AFTER", "GPT_BEFORE", "GPT_AFTER"} {
		pattern = strings.ReplaceAll(pattern, "'@"+place+"@'", "'[0-9A-Za-z+/=]+'")
	}
	pattern = strings.ReplaceAll(pattern, "@MADE@", "[0-9]")
	known, err := regexp.Match("^"+pattern+"$", script)
	return err == nil && known
}
