package agentbin

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRead(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("an agent")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := packed.Bytes()
	for name, tt := range map[string]struct {
		file string
		data []byte
		arch string
		want string // of the agent, or of the error
	}{
		"there":        {"bin/regain-agent-linux-arm64.gz", whole, "arm64", "an agent"},
		"other":        {"bin/regain-agent-linux-arm64.gz", whole, "amd64", "carries no agent"},
		"none":         {"bin/README.md", []byte("text"), "arm64", "make build"},
		"unknown":      {"bin/regain-agent-linux-arm64.gz", whole, "riscv64", `there is none for "riscv64"`},
		"a path":       {"bin/regain-agent-linux-arm64.gz", whole, "../arm64", "there is none for"},
		"not packed":   {"bin/regain-agent-linux-amd64.gz", []byte("an agent"), "amd64", "cannot unpack the agent for amd64"},
		"cut off":      {"bin/regain-agent-linux-amd64.gz", whole[:len(whole)-6], "amd64", "cannot unpack the agent for amd64"},
		"bytes turned": {"bin/regain-agent-linux-amd64.gz", flipped(whole), "amd64", "cannot unpack the agent for amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			agent, err := read(fstest.MapFS{tt.file: {Data: tt.data}}, tt.arch)
			got := string(agent)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// flipped damages the checksum.
func flipped(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)-8] ^= 1
	return data
}

// TestBinary looks at what this build carries: a program for each architecture,
// or nothing.
func TestBinary(t *testing.T) {
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for _, arch := range Architectures {
		agent, err := Binary(arch)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		program, err := elf.NewFile(bytes.NewReader(agent))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machines[arch] {
			t.Errorf("the agent for %s is for %v", arch, program.Machine)
		}
	}
}
