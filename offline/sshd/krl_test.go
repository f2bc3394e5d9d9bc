package sshd

import (
	"testing"

	"github.com/seed-77750964/regain/offline/sshkey"
)

func TestDamagedKRL(t *testing.T) {
	head := krlMagic + "\x00\x00\x00\x01" + string(make([]byte, 24))
	empty := head + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	for data, damaged := range map[string]bool{
		krlMagic: true,
		krlMagic + "\x00\x00\x00\x02" + empty[12:]: true,
		head:                           true,
		empty:                          false,
		empty + "\x02\x00\x00\x00\x09": true,
		empty + "\x02\x00\x00\x00\x04\x00\x00\x00\x01": true,
		empty + "\x01\x00\x00\x00\x00":                 false,
		empty + "\x09\x00\x00\x00\x00":                 true,
		empty + "\x04\x00\x00\x00\x00":                 true,
	} {
		listed, err := inKRL([]byte(data), sshkey.Public{Blob: []byte("x")})
		if listed || (err != nil) != damaged {
			t.Errorf("%q: listed %v, error %v, want damaged %v", data, listed, err, damaged)
		}
	}
}

func FuzzKRL(f *testing.F) {
	f.Add([]byte(krlMagic + "\x00\x00\x00\x01" + string(make([]byte, 32)) + "\x02\x00\x00\x00\x05\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isKRL(data) {
			return
		}
		if listed, err := inKRL(data, sshkey.Public{Blob: []byte("x")}); listed && err != nil {
			t.Errorf("listed and an error: %v", err)
		}
	})
}
