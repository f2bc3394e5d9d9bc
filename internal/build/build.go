// Package build describes what a program was built from, in the words of its
// version command. It does not print.
package build

import (
	"fmt"
	"runtime/debug"
)

// Describe gives a program's name and version, and the commit where the build
// knows it. info is what debug.ReadBuildInfo tells; nil: nothing.
func Describe(program string, info *debug.BuildInfo) string {
	if info == nil {
		return program + " (unknown build)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := fmt.Sprintf("%s %s %s %s/%s", program, info.Main.Version, info.GoVersion, settings["GOOS"], settings["GOARCH"])
	if commit := settings["vcs.revision"]; commit != "" {
		text += " " + commit
		if settings["vcs.modified"] == "true" {
			text += " (modified)"
		}
	}
	return text
}
