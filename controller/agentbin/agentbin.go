// Package agentbin carries regain-agent for the helpers inside of regain. A
// release build puts the binaries into bin/ first; without them this package
// builds all the same, and says how to get one. It starts nothing.
package agentbin

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// bin is empty but for its README on a fresh clone.
//
//go:embed bin
var bin embed.FS

// Architectures are those of helpers.
var Architectures = []string{"amd64", "arm64"}

// ErrAbsent means that this build carries no agent.
var ErrAbsent = errors.New("this build of regain carries no agent: build it with make build, name one with --agent FILE, or use a helper image that has it")

// Binary is regain-agent for Linux on an architecture, amd64 or arm64.
func Binary(arch string) ([]byte, error) { return read(bin, arch) }

func read(files fs.FS, arch string) ([]byte, error) {
	if !slices.Contains(Architectures, arch) {
		return nil, fmt.Errorf("cannot find the agent: there is none for %q", arch)
	}
	packed, err := fs.ReadFile(files, "bin/regain-agent-linux-"+arch+".gz")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the agent: %w", err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("cannot unpack the agent for %s: %w", arch, err)
	}
	agent, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("cannot unpack the agent for %s: %w", arch, err)
	}
	return agent, nil
}
