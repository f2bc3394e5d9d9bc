package hive

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// New writes a hive with the keys and values of a description:
//
//	[Select]
//	Current = dword:1
//
//	[ControlSet001\Services\Ec2Config]
//	Start = dword:2
//	DisplayName = sz:Ec2Config
//	ImagePath = expand:%ProgramFiles%\Amazon\Ec2ConfigService\Ec2Config.exe
//	DependOnService = multi:Tcpip|Afd
//	FailureActions = hex:80 51 01 00
//	Description = hex(2):410000 00
//	@ = sz:the value without a name
//
// Parents of a key come into being with it, and lines beginning with # are ignored.
// dword is hexadecimal, as in regedit.
func New(ctx context.Context, path, description string) error {
	text, err := regText("HIVE", description)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, Minimal(), 0o600); err != nil {
		return fmt.Errorf("cannot make a hive: %w", err)
	}
	return merge(ctx, path, "HIVE", text)
}

// Create is New for a test.
func Create(t testing.TB, path, description string) {
	t.Helper()
	testdisk.Need(t, "hivexregedit")
	if err := New(t.Context(), path, description); err != nil {
		t.Fatal(err)
	}
}

// regText turns a description into the format of regedit.
func regText(prefix, description string) (string, error) {
	var out strings.Builder
	made := map[string]bool{}
	for n, line := range strings.Split(description, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "", line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			openKey(&out, made, prefix, line[1:len(line)-1])
		default:
			value, err := regValue(line)
			if err != nil {
				return "", fmt.Errorf("cannot read line %d of the description: %w", n+1, err)
			}
			out.WriteString(value + "\n")
		}
	}
	return out.String(), nil
}

// openKey begins the section of a key, after those of its parents.
func openKey(out *strings.Builder, made map[string]bool, prefix, path string) {
	path = strings.Trim(prefix+`\`+path, `\`)
	parts := strings.Split(path, `\`)
	for i := range parts[:len(parts)-1] {
		parent := strings.Join(parts[:i+1], `\`)
		if folded := strings.ToUpper(parent); !made[folded] && parent != prefix {
			made[folded] = true
			fmt.Fprintf(out, "\n[%s]\n", parent)
		}
	}
	made[strings.ToUpper(path)] = true
	fmt.Fprintf(out, "\n[%s]\n", path)
}

// Types of registry values.
const (
	typeSZ       = 1
	typeExpandSZ = 2
	typeBinary   = 3
	typeDWORD    = 4
	typeMultiSZ  = 7
)

// regValue spells all types in hexadecimal, so that nothing depends on how a
// string is escaped or converted.
func regValue(line string) (string, error) {
	name, rest, ok := strings.Cut(line, "=")
	kind, text, typed := strings.Cut(strings.TrimSpace(rest), ":")
	if !ok || !typed {
		return "", fmt.Errorf("%q is neither [key] nor name = type:value", line)
	}
	typ, data, err := encodeValue(kind, text)
	if err != nil {
		return "", fmt.Errorf("%q: %w", line, err)
	}
	if name = strings.TrimSpace(name); name != "@" {
		name = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return fmt.Sprintf("%s=hex(%x):%s", name, typ, strings.ReplaceAll(fmt.Sprintf("% x", data), " ", ",")), nil
}

func encodeValue(kind, text string) (typ uint64, data []byte, err error) {
	switch kind {
	case "sz":
		return typeSZ, utf16z(text), nil
	case "expand":
		return typeExpandSZ, utf16z(text), nil
	case "multi":
		return typeMultiSZ, append(utf16z(strings.ReplaceAll(text, "|", "\x00")), 0, 0), nil
	case "dword":
		n, err := strconv.ParseUint(text, 16, 32)
		return typeDWORD, []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}, err
	}
	typ = typeBinary
	if number, ok := strings.CutPrefix(kind, "hex("); ok {
		typ, err = strconv.ParseUint(strings.TrimSuffix(number, ")"), 16, 32)
	} else if kind != "hex" {
		err = fmt.Errorf("unknown type %q", kind)
	}
	if err != nil {
		return 0, nil, err
	}
	data, err = hex.DecodeString(strings.NewReplacer(" ", "", ",", "").Replace(text))
	return typ, data, err
}

// utf16z is the text in UTF-16LE with a NUL at its end.
func utf16z(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text + "\x00")) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}
