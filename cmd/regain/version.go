package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/controller/agentbin"
	"github.com/seed-77750964/regain/internal/build"
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
			p.print(build.Describe("regain", info) + agents() + "\n")
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
