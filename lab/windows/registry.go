package windows

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"unicode/utf16"
)

// The hives that are looked at.
const (
	systemHive   = "windows/system32/config/system"
	softwareHive = "windows/system32/config/software"
)

// A value is one of the registry.
type value struct {
	hive string
	data []byte
}

// key are the values of a key, by their names in lower case; nil where there is no such
// key. hivexregedit reads them, which exports what is below a key, too: that is passed
// over.
func (t tree) key(hive, path string) (map[string]value, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(t.ctx, "hivexregedit", "--export", t.path(hive), path)
	cmd.Stderr = &said
	out, err := cmd.Output()
	switch exit := (*exec.ExitError)(nil); {
	case errors.As(err, &exit) && strings.Contains(said.String(), "path not found"):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("cannot read the hive %s: hivexregedit: %w: %s", hive, err, bytes.TrimSpace(said.Bytes()))
	}
	values, keys := map[string]value{}, 0
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			keys++
		}
		name, data, ok := readValue(line)
		if ok && keys == 1 {
			values[strings.ToLower(name)] = value{hive, data}
		}
	}
	return values, nil
}

// readValue reads a line of an export: "NAME"=dword:… or "NAME"=hex(TYPE):….
func readValue(line string) (name string, data []byte, ok bool) {
	end := strings.LastIndex(line, `"=`)
	if !strings.HasPrefix(line, `"`) || end < 1 {
		return "", nil, false
	}
	name = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(line[1:end])
	kind, text, _ := strings.Cut(line[end+2:], ":")
	if kind == "dword" {
		n, err := strconv.ParseUint(text, 16, 32)
		return name, binary.LittleEndian.AppendUint32(nil, uint32(n)), err == nil
	}
	data, err := hex.DecodeString(strings.ReplaceAll(text, ",", ""))
	return name, data, err == nil && strings.HasPrefix(kind, "hex")
}

// number is a DWORD; 0 where there is none.
func (v value) number() uint32 {
	if len(v.data) != 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(v.data)
}

func (v value) text() string { return strings.TrimRight(fromUTF16(v.data), "\x00") }

// overwrite changes a value in place, keeping its size. Its bytes are found in the hive by
// looking for them: there must be no others like them.
func (t tree) overwrite(v value, data []byte) error {
	if bytes.Equal(v.data, data) {
		return nil
	}
	whole, err := t.read(v.hive)
	if err != nil {
		return err
	}
	if len(data) != len(v.data) || bytes.Count(whole, v.data) != 1 {
		return fmt.Errorf("cannot change a value of %s: its bytes are not found once", v.hive)
	}
	return t.patch(v.hive, int64(bytes.Index(whole, v.data)), data)
}

func fromUTF16(data []byte) string {
	var units []uint16
	for len(data) >= 2 {
		units = append(units, binary.LittleEndian.Uint16(data))
		data = data[2:]
	}
	return string(utf16.Decode(units))
}

func toUTF16(text string) []byte {
	var data []byte
	for _, u := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	return data
}

// A document is a text file and how to write it back.
type document struct {
	text  string
	write func(text string) []byte
}

// readText decodes a file as Windows does: by its byte order mark, else as it stands.
func readText(data []byte) document {
	for mark, d := range map[string]document{
		"\xff\xfe": {fromUTF16(data), func(s string) []byte { return toUTF16(s) }},
		"\xfe\xff": {fromUTF16(swapped(data)), func(s string) []byte { return swapped(toUTF16(s)) }},
	} {
		if bytes.HasPrefix(data, []byte(mark)) {
			return d
		}
	}
	return document{string(data), func(s string) []byte { return []byte(s) }}
}

// content is the text without a byte order mark.
func (d document) content() string { return strings.TrimPrefix(d.text, "\ufeff") }

func swapped(data []byte) []byte {
	out := bytes.Clone(data)
	for n := 0; n+1 < len(out); n += 2 {
		out[n], out[n+1] = out[n+1], out[n]
	}
	return out
}
