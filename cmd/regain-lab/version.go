package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "version prints the version of this program, and what it was built from.",
		Example: "regain-lab version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(p.stdout, describeBuild(info))
			return err
		},
	}
}

// describeBuild gives the version, and the commit where the build knows it.
func describeBuild(info *debug.BuildInfo) string {
	if info == nil {
		return "regain-lab (unknown build)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := fmt.Sprintf("regain-lab %s %s %s/%s", info.Main.Version, info.GoVersion, settings["GOOS"], settings["GOARCH"])
	if commit := settings["vcs.revision"]; commit != "" {
		text += " " + commit
		if settings["vcs.modified"] == "true" {
			text += " (modified)"
		}
	}
	return text
}
