package agent

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/agent/key"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/rescue"
)

const someKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBTA6LfnwE6WRDnVgPXnXvX2yTxR5N2g2dYdvPE1Oelp someone"

// only accepts the listed algorithms.
func only(list string) func(string, int) bool {
	return func(algorithm string, _ int) bool { return strings.Contains(" "+list+" ", " "+algorithm+" ") }
}

func TestTheTypeOfANewKey(t *testing.T) {
	const all = "ssh-ed25519 ecdsa-sha2-nistp256 ssh-rsa"
	for name, tt := range map[string]struct {
		forced  key.Type
		accepts string
		fips    bool
		want    string // type, or code of the refusal
	}{
		"the best":                {"", all, false, "ed25519"},
		"FIPS":                    {"", all, true, "ecdsa"},
		"no ed25519":              {"", "ecdsa-sha2-nistp256 ssh-rsa", false, "ecdsa"},
		"RSA only":                {"", "ssh-rsa", false, "rsa"},
		"RSA only, FIPS":          {"", "ssh-rsa", true, "rsa"},
		"ed25519 only, FIPS":      {"", "ssh-ed25519", true, "no-key-type"},
		"certificates only":       {"", "ssh-ed25519-cert-v01@openssh.com", false, "no-key-type"},
		"forced":                  {"rsa", all, false, "rsa"},
		"forced ecdsa":            {"ecdsa", all, true, "ecdsa"},
		"forced, not taken":       {"ed25519", "ssh-rsa", false, "key-type"},
		"forced ed25519, in FIPS": {"ed25519", all, true, "key-type"},
	} {
		t.Run(name, func(t *testing.T) {
			kind, err := chooseKind(tt.forced, only(tt.accepts), tt.fips)
			got := string(kind)
			var refusal *rescue.Refusal
			if errors.As(err, &refusal) {
				got = refusal.Code
			}
			if got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}

func TestSizesAreAskedFor(t *testing.T) {
	big := func(algorithm string, bits int) bool { return algorithm == "ssh-rsa" && bits == 3072 }
	if kind, err := chooseKind("", big, false); kind != key.RSA || err != nil {
		t.Errorf("%s, %v", kind, err)
	}
}

func TestAKeyThatWasGiven(t *testing.T) {
	public, err := sshkey.ParsePublicInput([]byte(someKey))
	if err != nil {
		t.Fatal(err)
	}
	k := &keys{given: &public}
	chosen, err := k.Choose(only("ssh-ed25519"), false)
	if err != nil {
		t.Fatal(err)
	}
	if stored, warnings, err := chosen.Store(context.Background()); stored.Public != someKey || stored.File != "" || warnings != nil || err != nil {
		t.Errorf("stored %+v, %v, %v", stored, warnings, err)
	}
	for _, fips := range []bool{true, false} {
		accepts := only("ssh-ed25519")
		if !fips {
			accepts = only("ssh-rsa")
		}
		var refusal *rescue.Refusal
		if _, err := k.Choose(accepts, fips); !errors.As(err, &refusal) || refusal.Code != "key-type" || strings.Contains(refusal.Text, "FIPS") != fips {
			t.Errorf("FIPS %v: %v", fips, err)
		}
	}
}

// heldStore remembers the private half as it was when it was stored.
type heldStore struct {
	pair   *key.Pair
	err    error
	forgot bool
}

func (h *heldStore) Put(_ context.Context, pair *key.Pair, _ key.Label) (key.Place, error) {
	h.pair = pair
	return key.Place{Parameter: "/p", Version: 3, Warnings: []string{"w"}}, h.err
}

func (h *heldStore) Forget(context.Context, key.Place) (string, error) {
	h.forgot = true
	return "", nil
}

func TestANewKeyIsStored(t *testing.T) {
	store := &heldStore{}
	k := &keys{store: store, label: key.Label{Run: "run-1"}, say: func(string) {}}
	chosen, err := k.Choose(only("ssh-ed25519"), false)
	if err != nil {
		t.Fatal(err)
	}
	stored, warnings, err := chosen.Store(context.Background())
	if err != nil || stored.Parameter != "/p" || stored.Version != 3 || len(warnings) != 1 || !strings.HasSuffix(stored.Public, " regain:run-1") {
		t.Errorf("stored %+v, %v, %v", stored, warnings, err)
	}
	if _, err := chosen.Forget(context.Background()); err != nil || !store.forgot {
		t.Errorf("not forgotten: %v", err)
	}
	store.err = &key.StoreError{Code: "c", Err: errors.New("no"), Hint: "h"}
	if chosen, err = k.Choose(only("ssh-ed25519"), false); err != nil {
		t.Fatal(err)
	}
	_, _, err = chosen.Store(context.Background())
	var coded interface{ Details() (string, string) }
	if !errors.As(err, &coded) {
		t.Fatalf("the error has no details: %v", err)
	}
	if code, hint := coded.Details(); code != "c" || hint != "h" {
		t.Errorf("details %q, %q", code, hint)
	}
	k.wipe()
}
