package block

import (
	"fmt"
	"io"
	"strings"
)

// class decides who wins when two probers answer.
type class int

const (
	member     class = iota // md: wins over everything, its signature may stand at the end
	container               // wins over filesystems
	filesystem              // must be alone
	tolerant                // filesystems that may share a device: hybrid ISO images
)

// A prober answers nil when the bytes are not its own.
type prober struct {
	class class
	probe func(*source) *Superblock
}

// probers is everything Probe looks for.
var probers = []prober{
	{member, probeMD},
	{container, probeLVM},
	{container, probeLUKS},
	{container, probeBitLocker},
	{tolerant, probeFAT},
	{filesystem, probeSwap},
	{filesystem, probeXFS},
	{filesystem, probeExt},
	{filesystem, probeBtrfs},
	{filesystem, probeNTFS},
	{filesystem, probeReFS},
	{tolerant, probeISO9660},
	{filesystem, probeSquashFS},
}

// Probe says what the size bytes of r hold. It returns nil and no error when
// nothing is recognised. A container wins over a filesystem that seems to be
// inside; an md superblock wins over other containers, since it may stand at
// the end of what it contains. Anything else that matches twice is an error
// that wraps ErrAmbiguous and names both.
func Probe(r io.ReaderAt, size int64) (*Superblock, error) {
	src, err := newSource(r, size)
	if err != nil {
		return nil, err
	}
	found, err := choose(src)
	if src.err != nil {
		return nil, src.err
	}
	if err != nil || found == nil {
		return nil, err
	}
	if whole := found.Btrfs == nil || found.Btrfs.NumDevices < 2; whole && found.Size > size {
		found.warn(fmt.Sprintf("%s claims %d bytes, its device has %d", found.Type, found.Size, size))
	}
	return found, nil
}

func choose(src *source) (*Superblock, error) {
	var byClass [tolerant + 1][]*Superblock
	for _, p := range probers {
		if sb := p.probe(src); sb != nil {
			byClass[p.class] = append(byClass[p.class], sb)
		}
	}
	switch {
	case len(byClass[member]) > 0:
		return only(byClass[member])
	case len(byClass[container]) > 0:
		return only(byClass[container])
	case len(byClass[filesystem]) > 0:
		return only(append(byClass[filesystem], byClass[tolerant]...))
	case len(byClass[tolerant]) > 0:
		return byClass[tolerant][0], nil
	}
	return nil, nil
}

func only(found []*Superblock) (*Superblock, error) {
	if len(found) == 1 {
		return found[0], nil
	}
	names := make([]string, len(found))
	for i, sb := range found {
		names[i] = string(sb.Type)
	}
	return nil, fmt.Errorf("%w: %s", ErrAmbiguous, strings.Join(names, " and "))
}
