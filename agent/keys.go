package agent

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/agent/key"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
	"github.com/seed-77750964/regain/rescue"
)

// keys gives rescue the one key of a run: the operator's, or one made here.
type keys struct {
	given *sshkey.Public
	kind  key.Type // forced; empty: the best that the patient takes
	store key.Store
	label key.Label
	say   func(string)
	made  []*key.Pair // to be wiped
}

func (w *work) keys() *keys {
	return &keys{
		given: w.job.public, kind: w.job.kind, store: w.store(),
		label: key.Label{Instance: w.task.Instance, Run: w.task.Run}, say: w.env.Progress,
	}
}

// Choose is the method of rescue.Keys.
func (k *keys) Choose(accepts func(algorithm string, bits int) bool, fips bool) (rescue.Key, error) {
	if k.given != nil {
		if !takes(k.given.Algorithm, k.given.Bits, accepts, fips) {
			return nil, refuseKind(k.given.Algorithm, fips, "give a key of another type with --public-key, or leave that out to have one made")
		}
		return givenKey{*k.given}, nil
	}
	kind, err := chooseKind(k.kind, accepts, fips)
	if err != nil {
		return nil, err
	}
	pair, err := key.Generate(kind, "regain:"+k.label.Run)
	if err != nil {
		return nil, err
	}
	k.made = append(k.made, pair)
	return &madeKey{pair: pair, store: k.store, label: k.label, say: k.say}, nil
}

// wipe overwrites every private half that this run has made.
func (k *keys) wipe() {
	for _, pair := range k.made {
		pair.Wipe()
	}
}

// chooseKind takes the first type that the patient's sshd would take, or the
// forced one if it would.
func chooseKind(forced key.Type, accepts func(string, int) bool, fips bool) (key.Type, error) {
	if forced != "" {
		if !takes(forced.Algorithm(), forced.Bits(), accepts, fips) {
			return "", refuseKind(forced.Algorithm(), fips, "leave out --key-type to have one chosen that is accepted")
		}
		return forced, nil
	}
	var tried []string
	for _, kind := range key.Types() {
		if takes(kind.Algorithm(), kind.Bits(), accepts, fips) {
			return kind, nil
		}
		tried = append(tried, kind.Algorithm())
	}
	return "", &rescue.Refusal{Code: "no-key-type", Text: "the patient's sshd accepts none of the types of key that can be made: " + strings.Join(tried, ", "),
		Hint: "see PubkeyAcceptedAlgorithms in its sshd_config"}
}

// takes adds to sshd's configuration what FIPS mode forbids whatever that says:
// Ed25519 is not served by the validated modules of the distributions that
// know the mode (RHEL 8 and 9, Amazon Linux).
func takes(algorithm string, bits int, accepts func(string, int) bool, fips bool) bool {
	return !(fips && strings.Contains(algorithm, "ed25519")) && accepts(algorithm, bits)
}

func refuseKind(algorithm string, fips bool, hint string) error {
	why := "its configuration does not accept the type"
	if fips && strings.Contains(algorithm, "ed25519") {
		why = "the system is in FIPS mode, which knows no Ed25519"
	}
	return &rescue.Refusal{Code: "key-type", Text: fmt.Sprintf("the patient's sshd would not take a key of type %s: %s", algorithm, why), Hint: hint}
}

// givenKey is the operator's: there is nothing to store.
type givenKey struct{ public sshkey.Public }

func (g givenKey) Public() sshkey.Public { return g.public }

func (g givenKey) Store(context.Context) (offline.Key, []string, error) {
	return describeKey(g.public), nil, nil
}

func (g givenKey) Forget(context.Context) (string, error) { return "", nil }

// madeKey is a new pair and the store for its private half.
type madeKey struct {
	pair  *key.Pair
	store key.Store
	label key.Label
	say   func(string)
	place key.Place
}

func (m *madeKey) Public() sshkey.Public { return m.pair.Public }

// Store keeps the private half, and wipes it here.
func (m *madeKey) Store(ctx context.Context) (offline.Key, []string, error) {
	m.say("storing the private key")
	place, err := m.store.Put(ctx, m.pair, m.label)
	m.pair.Wipe()
	if err != nil {
		return offline.Key{}, nil, err
	}
	m.place = place
	k := describeKey(m.pair.Public)
	k.Parameter, k.Version, k.File = place.Parameter, place.Version, place.File
	return k, place.Warnings, nil
}

func (m *madeKey) Forget(ctx context.Context) (string, error) { return m.store.Forget(ctx, m.place) }

func describeKey(public sshkey.Public) offline.Key {
	return offline.Key{Type: public.Algorithm, Fingerprint: public.Fingerprint(), Public: offline.Printable(public.String())}
}
