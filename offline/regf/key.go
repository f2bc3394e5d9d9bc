package regf

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxEntries = 1 << 16 // subkeys or values of one key
	maxDepth   = 512     // of keys, as in Windows
	maxKeyName = 512     // bytes: 255 units of UTF-16, and some

	keyFixed       = 76
	offKeyFlags    = 2
	offKeyParent   = 16
	offKeySubkeys  = 20
	offKeySubList  = 28
	offKeyValues   = 36
	offKeyValList  = 40
	offKeyNameSize = 72

	keySymlink    = 0x10
	keyLatin1     = 0x20
	keyPredefined = 0x40 // the number of values is a handle
)

// A Key is one key of a hive.
type Key struct {
	Name  string // as it is stored; not safe to print unquoted
	h     *Hive
	at    uint32
	flags uint16
	depth int

	subkeys, values uint32
	subList         uint32
	valueList       uint32
}

// Root is the key that all others are below.
func (h *Hive) Root() (*Key, error) {
	k, _, err := h.key(h.root)
	if err != nil {
		return nil, fmt.Errorf("cannot read root key: %w", err)
	}
	return k, nil
}

// key reads a key's cell; parent is what the key itself says.
func (h *Hive) key(at uint32) (k *Key, parent uint32, err error) {
	c, b, err := h.record(at, "nk", keyFixed)
	if err != nil {
		return nil, 0, err
	}
	size := int(le16(b, offKeyNameSize))
	if size > maxKeyName {
		return nil, 0, malformed(at, "name of %d bytes", size)
	}
	name, err := h.read(c, keyFixed, size)
	if err != nil {
		return nil, 0, err
	}
	k = &Key{
		h: h, at: at, flags: le16(b, offKeyFlags),
		subkeys: le32(b, offKeySubkeys), subList: le32(b, offKeySubList),
		values: le32(b, offKeyValues), valueList: le32(b, offKeyValList),
	}
	k.Name = decodeName(name, k.flags&keyLatin1 != 0)
	return k, le32(b, offKeyParent), nil
}

// Symlink tells whether the key only names another one, which Windows would open
// instead. Sub does not follow it.
func (k *Key) Symlink() bool { return k.flags&keySymlink != 0 }

// Sub goes down to a key below. Each element is a name, or several with
// backslashes between them; case does not matter. Two keys that differ only in case
// are malformed, and a symlink on the way, or at its end, is errors.ErrUnsupported.
func (k *Key) Sub(path ...string) (*Key, error) {
	if len(path) == 0 {
		return k, nil
	}
	for _, name := range strings.Split(strings.Join(path, `\`), `\`) {
		next, err := k.child(name)
		if err != nil {
			return nil, fmt.Errorf("cannot open key %q below %q: %w", name, k.Name, err)
		}
		k = next
	}
	return k, nil
}

func (k *Key) child(name string) (*Key, error) {
	var found *Key
	err := k.eachSubkey(func(sub *Key) error {
		switch {
		case !sameName(sub.Name, name):
		case found != nil:
			return malformed(sub.at, "second key of this name, %q and %q,", found.Name, sub.Name)
		default:
			found = sub
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, ErrNotFound
	case found.Symlink():
		return nil, fmt.Errorf("it is a symbolic link: %w", errors.ErrUnsupported)
	}
	return found, nil
}

// Subkeys lists the keys below, symlinks among them, in the order of the hive.
func (k *Key) Subkeys() ([]*Key, error) {
	var keys []*Key
	err := k.eachSubkey(func(sub *Key) error {
		keys = append(keys, sub)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list keys below %q: %w", k.Name, err)
	}
	return keys, nil
}

// eachSubkey makes the hive a tree: a subkey names this key as its parent, is not
// the root, and stands in the list once. So every walk ends.
func (k *Key) eachSubkey(visit func(*Key) error) error {
	list, err := k.subkeyList()
	if err != nil {
		return err
	}
	if len(list) > 0 && k.depth >= maxDepth {
		return malformed(k.at, "key %d levels down that has subkeys", k.depth)
	}
	for _, at := range list {
		sub, parent, err := k.h.key(at)
		if err != nil {
			return err
		}
		if parent != k.at || at == k.h.root {
			return malformed(at, "key in the list of another than its parent")
		}
		sub.depth = k.depth + 1
		if err := visit(sub); err != nil {
			return err
		}
	}
	return nil
}

// subkeyList is the offsets of all subkeys, as many as the key says it has.
func (k *Key) subkeyList() ([]uint32, error) {
	if k.subkeys == 0 {
		return nil, nil
	}
	if k.subkeys > maxEntries {
		return nil, malformed(k.at, "key with %d subkeys", k.subkeys)
	}
	c, kind, count, err := k.h.listHeader(k.subList)
	if err != nil {
		return nil, err
	}
	leaves := []uint32{k.subList}
	if kind == "ri" {
		if leaves, err = k.h.offsets(c, 4, count, 0); err != nil {
			return nil, err
		}
	}
	var list []uint32
	for _, leaf := range leaves {
		entries, err := k.h.leaf(leaf)
		if err != nil {
			return nil, err
		}
		if list = append(list, entries...); len(list) > int(k.subkeys) {
			break
		}
	}
	if len(list) != int(k.subkeys) || hasDuplicate(list) {
		return nil, malformed(k.at, "key whose %d subkeys are not those of its list", k.subkeys)
	}
	return list, nil
}

// listHeader reads the signature and number of elements of a list of subkeys.
func (h *Hive) listHeader(at uint32) (c cell, kind string, count int, err error) {
	if c, err = h.cell(at); err != nil {
		return c, "", 0, err
	}
	b, err := h.read(c, 0, 4)
	if err != nil {
		return c, "", 0, err
	}
	return c, string(b[:2]), int(le16(b, 2)), nil
}

// leaf reads a list of keys. It is never a list of lists: those are not nested.
func (h *Hive) leaf(at uint32) ([]uint32, error) {
	c, kind, count, err := h.listHeader(at)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "li":
		return h.offsets(c, 4, count, 0)
	case "lf", "lh":
		return h.offsets(c, 4, count, 4) // a hint or hash behind each
	}
	return nil, malformed(at, "%q instead of a list of keys", kind)
}
