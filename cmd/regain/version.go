package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/controller/agentbin"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "version prints the version of this program, what it was built from, and for\nwhich architectures it carries the agent.",
		Example: "regain version",
		Args:    arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			p.print(describeBuild(info) + agents() + "\n")
			return nil
		},
	}
}

// agents says which helpers this program can deliver its agent to.
func agents() string {
	text := ", agent for"
	none := true
	for _, arch := range []string{"amd64", "arm64"} {
		if _, err := agentbin.Binary(arch); err == nil {
			text, none = text+" "+arch, false
		}
	}
	if none {
		return ", without an agent"
	}
	return text
}

// describeBuild gives the version, and the commit where the build knows it.
func describeBuild(info *debug.BuildInfo) string {
	if info == nil {
		return "regain (unknown build)"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := fmt.Sprintf("regain %s %s %s/%s", info.Main.Version, info.GoVersion, settings["GOOS"], settings["GOARCH"])
	if commit := settings["vcs.revision"]; commit != "" {
		text += " " + commit
		if settings["vcs.modified"] == "true" {
			text += " (modified)"
		}
	}
	return text
}
