package conf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestIncludedThings: what an Include may meet besides files. Below root, as on a
// rescue machine, absolute links must stay inside the volume.
func TestIncludedThings(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	fifo := func(name string) func(string) error {
		return func(dir string) error { return unix.Mkfifo(filepath.Join(dir, name), 0o644) }
	}
	link := func(target, name string) func(string) error {
		return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
	}
	mkdir := func(name string) func(string) error {
		return func(dir string) error { return os.Mkdir(filepath.Join(dir, name), 0o755) }
	}
	tests := []struct {
		name    string
		change  func(dir string) error
		banner  string
		problem string
	}{
		{"a file", write("etc/ssh/d/a.conf", "Banner /a\n", 0o644), "/a", ""},
		{"a file that only root reads", write("etc/ssh/d/a.conf", "Banner /a\n", 0o000), "/a", ""},
		{"an empty file", write("etc/ssh/d/a.conf", "", 0o644), "/main", ""},
		{"a directory reads as empty", mkdir("etc/ssh/d/a.conf"), "/main", ""},
		{"a link below the same directory", link("../b", "etc/ssh/d/a.conf"), "/b", ""},
		{"an absolute link stays in the volume", link("/etc/ssh/b", "etc/ssh/d/a.conf"), "/b", ""},
		{"a link that climbs stays in the volume", link("../../../../../../etc/ssh/b", "etc/ssh/d/a.conf"), "/b", ""},
		{"a link into nowhere", link("/etc/ssh/nosuch", "etc/ssh/d/a.conf"), "none", "fatal: cannot include"},
		{"a link to itself", link("a.conf", "etc/ssh/d/a.conf"), "none", "fatal: cannot include"},
		{"a pipe", fifo("etc/ssh/d/a.conf"), "none", "fatal: cannot include"},
		{"a link to a device", link("/dev/zero", "etc/ssh/d/a.conf"), "none", "fatal: cannot include"},
		{"itself", write("etc/ssh/d/a.conf", "Include d/a.conf\n", 0o644), "none", "fatal: nested more than"},
		{"the main file", write("etc/ssh/d/a.conf", "Include sshd_config\n", 0o644), "none", "fatal: nested more than"},
		{"its own directory", write("etc/ssh/d/a.conf", "Include d/*.conf\n", 0o644), "none", "fatal: nested more than"},
		{"too big a file", write("etc/ssh/d/a.conf", strings.Repeat("# a line of no use\n", 70000), 0o644), "none", "open: larger than the limit"},
	}
	for _, tt := range tests {
		dir := tree(t, map[string]string{"etc/ssh/sshd_config": "Include d/*.conf\nBanner /main\n", "etc/ssh/b": "Banner /b\n", "etc/ssh/d/.keep": ""})
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		c, err := Load(openVolume(t, dir), Options{Version: bookworm})
		if err != nil {
			t.Fatal(err)
		}
		kind, text, _ := strings.Cut(tt.problem, ": ")
		if got := worst(c.Problems); !strings.HasPrefix(got, kind) || !strings.Contains(got, text) || tt.problem == "" && got != "" {
			t.Errorf("%s: problem %q, want %q", tt.name, got, tt.problem)
		}
		if got := c.Evaluate(Connection{User: "ann"}).First("banner").Text; tt.banner != "none" && got != tt.banner {
			t.Errorf("%s: banner %q, want %q", tt.name, got, tt.banner)
		}
	}
}

// TestMainFile: what may stand in the place of sshd_config.
func TestMainFile(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	tests := []struct {
		name    string
		file    string // -f
		change  func(dir string) error
		port    string
		problem string
	}{
		{"a file", "", write("etc/ssh/sshd_config", "Port 1\n", 0o600), "1", ""},
		{"a file of another", "", func(d string) error {
			if err := write("etc/ssh/sshd_config", "Port 1\n", 0o600)(d); err != nil {
				return err
			}
			return os.Chown(filepath.Join(d, "etc/ssh/sshd_config"), 1000, 1000)
		}, "1", ""},
		{"nothing", "", func(string) error { return nil }, "22", "fatal: "},
		{"a pipe", "", func(d string) error { return unix.Mkfifo(filepath.Join(d, "etc/ssh/sshd_config"), 0o644) }, "22", "fatal: "},
		{"a link", "", func(d string) error { return os.Symlink("/etc/ssh/other", filepath.Join(d, "etc/ssh/sshd_config")) }, "3", ""},
		{"a link out of the volume", "", func(d string) error {
			return os.Symlink("../../../../etc/ssh/other", filepath.Join(d, "etc/ssh/sshd_config"))
		}, "3", ""},
		{"another file", "/etc/ssh/other", func(string) error { return nil }, "3", ""},
		{"another file by a way round", "/etc/../etc/ssh/./other", func(string) error { return nil }, "3", ""},
		{"no file on purpose", "none", write("etc/ssh/sshd_config", "Port 1\n", 0o600), "22", ""},
		{"another file that is missing", "/etc/ssh/nosuch", write("etc/ssh/sshd_config", "Port 1\n", 0o600), "22", "fatal: "},
	}
	for _, tt := range tests {
		dir := tree(t, map[string]string{"etc/ssh/other": "Port 3\n"})
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		c, err := Load(openVolume(t, dir), Options{Version: bookworm, File: tt.file})
		if err != nil {
			t.Fatal(err)
		}
		if got := worst(c.Problems); !strings.HasPrefix(got, tt.problem) || tt.problem == "" && got != "" {
			t.Errorf("%s: problem %q, want %q", tt.name, got, tt.problem)
		}
		if got := c.Evaluate(Connection{User: "ann"}).First("port").Text; got != tt.port {
			t.Errorf("%s: port %q, want %q", tt.name, got, tt.port)
		}
	}
}
