package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Where sshd looks when nothing is said; the second is SUSE's vendor copy.
const (
	configDir    = "/etc/ssh"
	MainFile     = "/etc/ssh/sshd_config"
	vendorFile   = "/usr/etc/ssh/sshd_config"
	maxFiles     = 4096     // files in one configuration
	maxTotalSize = 16 << 20 // bytes in one configuration
)

// Options say which sshd reads the configuration and how it was started.
type Options struct {
	Version     Version
	CommandLine []Setting // in order; they are read before the file
	File        string    // -f; empty: MainFile, else SUSE's vendor copy; none: no file
	Ports       []string  // -p
	HostKeys    []string  // -h
}

// Config is a whole configuration, parsed, in order and with its scoping.
type Config struct {
	// Problems holds everything that sshd would refuse or warn about in its files
	// and on its command line, and what cannot be decided here.
	Problems []Problem

	// Path is the main file; empty when there is none.
	Path string

	main    *file
	command []entry
	options Options
	stopped *Problem // the walk was given up: nothing can be evaluated
	global  settings // what holds without any connection
}

// Version is the release of the sshd for which the configuration was read.
func (c *Config) Version() Version { return c.options.Version }

// loader reads files once each.
type loader struct {
	volume  *offline.Volume
	version Version
	world   *world
	files   map[string]*file   // by the path sshd opens
	globs   map[string][]*file // by pattern: sshd too looks only once
	size    int64
}

// Load reads the configuration. A missing, unreadable or broken file is not an
// error but a Problem; errors are the volume's own.
func Load(v *offline.Volume, o Options) (*Config, error) {
	l := &loader{volume: v, version: o.Version, files: map[string]*file{}, globs: map[string][]*file{}}
	l.world = newWorld(v)
	c := &Config{options: o}
	for _, s := range o.CommandLine {
		origin := s.Origin
		if origin == "" {
			origin = FromCommandLine
		}
		if e, ok := l.parseLine(s.Text, s.Path, s.Line, origin); ok {
			c.command = append(c.command, e)
		}
	}
	c.commandLists(l)
	if err := c.loadMain(l); err != nil {
		return nil, err
	}
	c.start()
	return c, nil
}

// commandLists adds -p and -h, which sshd keeps apart from -o.
func (c *Config) commandLists(l *loader) {
	var lines []string
	for _, p := range c.options.Ports {
		lines = append(lines, "Port "+quoteArgument(p))
	}
	for _, k := range c.options.HostKeys {
		lines = append(lines, "HostKey "+quoteArgument(k))
	}
	for _, line := range lines {
		if e, ok := l.parseLine(line, "", 0, FromCommandLine); ok {
			c.command = append(c.command, e)
		}
	}
}

func (c *Config) loadMain(l *loader) error {
	path := c.options.File
	switch {
	case strings.EqualFold(path, "none"):
		return nil
	case path == "":
		path = MainFile
		if _, err := l.volume.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if _, err := l.volume.Stat(vendorFile); err == nil {
				path = vendorFile
			}
		}
	}
	f, err := l.read(path)
	if err != nil {
		c.Problems = append(c.Problems, Problem{Path: path, Text: err.Error(), Fatal: fatalRead(err), Unknown: !fatalRead(err)})
		return nil
	}
	c.Path, c.main = path, f
	return nil
}

// fatalRead tells a file that sshd cannot read from one that only we cannot.
func fatalRead(err error) bool {
	return !errors.Is(err, offline.ErrTooLarge) && !errors.Is(err, offline.ErrAbsentVolume)
}

// read loads one file. A directory reads as empty: sshd opens it and gets no line.
func (l *loader) read(path string) (*file, error) {
	if f := l.files[path]; f != nil {
		return f, nil
	}
	if len(l.files) >= maxFiles || l.size > maxTotalSize {
		return nil, fmt.Errorf("cannot read %q: %w", path, offline.ErrTooLarge)
	}
	f := &file{path: path, origin: l.origin(path)}
	info, err := l.volume.Stat(path)
	if err != nil {
		return nil, err
	}
	l.files[path] = f
	if info.Kind == offline.Dir {
		return f, nil
	}
	data, err := l.volume.ReadFile(path, offline.MaxConfig)
	if err != nil {
		return nil, err
	}
	l.size += int64(len(data))
	for i, line := range loadLines(data, !l.version.AtLeast(8, 7)) {
		if e, ok := l.parseLine(line, path, i+1, f.origin); ok {
			f.entries = append(f.entries, e)
		}
	}
	return f, nil
}

// origin tells the crypto policy's back end from ordinary files, by where its
// links lead.
func (l *loader) origin(path string) string {
	real, err := l.volume.Realpath(path)
	if err == nil && (strings.Contains(real, "/crypto-policies/") || strings.Contains(path, "/crypto-policies/")) {
		return FromCryptoPolicy
	}
	return FromFile
}

// include reads all files that a pattern names, sorted by bytes.
func (l *loader) include(pattern string) ([]*file, error) {
	if list, ok := l.globs[pattern]; ok {
		return list, nil
	}
	paths, err := Glob(l.volume, pattern)
	if err != nil {
		return nil, err
	}
	var out []*file
	for _, p := range paths {
		f, err := l.read(p)
		if err != nil {
			return nil, fmt.Errorf("cannot include: %w", err)
		}
		out = append(out, f)
	}
	l.globs[pattern] = out
	return out, nil
}
