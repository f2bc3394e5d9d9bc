package offline

import (
	"encoding/hex"
	"testing"
)

// TestDescriptorText: descriptors in the form that icacls and Get-Acl know.
func TestDescriptorText(t *testing.T) {
	const owner, group = "01020000000000052000000020020000", "01020000000000052000000020020000"
	for hexed, want := range map[string]string{
		hex.EncodeToString(adminDescriptor(0)):          "O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)",
		hex.EncodeToString(adminDescriptor(aceInherit)): "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)",
		// As ntfs-3g gives it to a new file.
		"0100048014000000240000000000000034000000" + owner + group + "02001c000100000000031400ff011f00010100000000000100000000": "O:BAG:BAD:(A;OICI;FA;;;WD)",
		// One that is denied to read, with an account of a domain, and one that inherits.
		"0100048414000000240000000000000034000000" + owner + group + "02003c0002000000" +
			"0113240089001200" + "010500000000000515000000010000000200000003000000f4010000" + "00101400a0001200010100000000000512000000": "O:BAG:BAD:AI(D;OICIID;FR;;;S-1-5-21-1-2-3-500)(A;ID;FX;;;SY)",
		"":     "",
		"0100": "0100",
		// No DACL: everybody may do everything, which no empty list may pass for.
		"010000801400000024000000" + "0000000000000000" + owner + group: "010000801400000024000000" + "0000000000000000" + owner + group,
	} {
		data, err := hex.DecodeString(hexed)
		if err != nil {
			t.Fatal(err)
		}
		if got := descriptorText(data); got != want {
			t.Errorf("%s: %s, want %s", hexed, got, want)
		}
	}
}

func TestAttributeText(t *testing.T) {
	for data, want := range map[string]string{
		"\x20\x00\x00\x00": "archive", "\x07\x00\x00\x00": "read-only, hidden, system", "\x00\x00\x00\x00": "none",
		"\x00\x21\x00\x80": "temporary, not indexed, 0x80000000", "": "", "\x01": "01",
	} {
		if got := attributeText([]byte(data)); got != want {
			t.Errorf("%x: %q, want %q", data, got, want)
		}
	}
}

// FuzzDescriptorText: any bytes of a volume are shown, and none of them steer a
// terminal.
func FuzzDescriptorText(f *testing.F) {
	f.Add(adminDescriptor(0))
	f.Add(openDescriptors()[1])
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := descriptorText(data); Printable(got) != got || got == "" != (len(data) == 0) {
			t.Errorf("%x: %q", data, got)
		}
	})
}

// TestDiffOfNTFS: a mode and an owner mean nothing there, and are not shown.
func TestDiffOfNTFS(t *testing.T) {
	got := Change{Path: "/x", After: NTFSFile([]byte("a\n"))}.Diff()
	want := "kind /x: absent -> file\ndescriptor /x: - -> O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)\nwindows attributes /x: - -> archive\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
