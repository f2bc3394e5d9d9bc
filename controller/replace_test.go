package controller_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// replaceable is an account with a Windows instance that was reset, and a key pair
// that somebody has.
func replaceable(t *testing.T) *world {
	t.Helper()
	p := windowsPatient()
	p.Instance.Groups, p.Instance.Type = []string{"sg-1", "sg-2"}, "t3.small"
	p.Instance.Tags = map[string]string{"Name": "db", "team": "blue"}
	p.Instance.MetadataTokens = true
	p.Instance.Settings = controller.LaunchSettings{Optimized: true, Monitored: true, Hops: 2, MetadataTags: true, Tenancy: "dedicated"}
	p.Attributes = controller.Attributes{TerminationProtection: true, Shutdown: "stop"}
	p.UserData = []byte("<powershell>hunter2</powershell>")
	w := newWorld(t, sim.Options{}, p)
	w.cloud.AddKeyPair(controller.KeyPair{Name: "mine", Type: "rsa"})
	w.cloud.Seals(func(password string) []byte { return sealed(t, password) })
	if o := w.reset(t, controller.Ask{Accept: []string{"windows-metadata-tokens"}}); o.State != controller.StateRescued {
		t.Fatal(o.State, o.Err)
	}
	return w
}

func TestReplace(t *testing.T) {
	w := replaceable(t)
	p, err := w.PlanReplacement(t.Context(), w.patient, "mine")
	if err != nil {
		t.Fatal(err)
	}
	before := len(w.cloud.Mutations())
	id, err := w.Replace(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Replace(t.Context(), p) // the answer was lost
	if err != nil || again != id || len(w.cloud.Mutations()) != before+2 {
		t.Errorf("called again: %s and %s, %v", id, again, err)
	}
	was, is := w.cloud.Snapshot().Instances[w.patient], w.cloud.Snapshot().Instances[id]
	if is.Type != was.Type || is.Subnet != was.Subnet || !slices.Equal(is.Groups, was.Groups) || is.Profile != was.Profile || is.KeyName != "mine" || !is.MetadataTokens ||
		is.Settings != was.Settings {
		t.Errorf("%+v in place of %+v", is, was)
	}
	if is.Tags["team"] != "blue" || is.Tags["Name"] != "db" || is.Tags[controller.TagReplaces] != w.patient || is.Tags[controller.TagKept] != "" {
		t.Errorf("its tags are %v", is.Tags)
	}
	w.same(t)
	p, err = w.PlanReplacement(t.Context(), w.patient, "mine")
	if err != nil || p.Existing != id {
		t.Errorf("planned again: %+v, %v", p, err)
	}
	if other, err := w.Replace(t.Context(), p); other != id || err != nil {
		t.Errorf("another: %s, %v", other, err)
	}
	got, err := w.Password(t.Context(), controller.PasswordAsk{Instance: id, Key: rsaKey(), Timeout: 10 * time.Minute})
	if err != nil || got.Password != sim.NewPassword+id {
		t.Errorf("%q, %v", got.Password, err)
	}
}

// TestReplaceAnew: one that was terminated is no obstacle, and what is not taken over
// is said, with nothing of user data.
func TestReplaceAnew(t *testing.T) {
	w := replaceable(t)
	var ids []string
	for range 3 {
		p, err := w.PlanReplacement(t.Context(), w.patient, "mine")
		if err != nil || p.Existing != "" {
			t.Fatalf("%+v, %v", p, err)
		}
		said := strings.Join(p.Differs, "\n")
		if !strings.Contains(said, "it has no user data") || strings.Contains(fmt.Sprintf("%+v", p), "hunter2") || !p.Attributes.TerminationProtection {
			t.Errorf("%+v", p)
		}
		id, err := w.Replace(t.Context(), p)
		if err != nil || slices.Contains(ids, id) {
			t.Fatalf("%s after %v: %v", id, ids, err)
		}
		if a, err := w.cloud.Attributes(t.Context(), id); err != nil || !a.TerminationProtection {
			t.Errorf("%+v, %v", a, err)
		}
		ids = append(ids, id)
		w.cloud.Kill(id)
	}
}

func TestReplaceRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, key, says string
		make            func(t *testing.T) *world
	}{
		{"never reset", "lost", "no password-enabled image", func(t *testing.T) *world { return newWorld(t, sim.Options{}, windowsPatient()) }},
		{"no key pair", "none", `no key pair "none"`, replaceable},
		{"not RSA", "curve", "ed25519", func(t *testing.T) *world {
			w := replaceable(t)
			w.cloud.AddKeyPair(controller.KeyPair{Name: "curve", Type: "ed25519"})
			return w
		}},
		{"Linux", "lost", "not run Windows", func(t *testing.T) *world { return newWorld(t, sim.Options{}, sim.Patient{}) }},
		{"image pending", "lost", "is not complete yet", func(t *testing.T) *world {
			w := newWorld(t, sim.Options{Delays: sim.Delays{Image: 10 * time.Hour}}, windowsPatient())
			w.reset(t, controller.Ask{})
			return w
		}},
		{"by the script", "lost", "no password-enabled image", func(t *testing.T) *world {
			w := newWorld(t, sim.Options{}, windowsPatient())
			w.reset(t, controller.Ask{PublicKey: rsaLine()})
			return w
		}},
		{"may not look", "lost", "ec2:DescribeImages", func(t *testing.T) *world {
			w := replaceable(t)
			w.cloud.Deny("ec2:DescribeImages")
			return w
		}},
	} {
		w := tt.make(t)
		before := len(w.cloud.Mutations())
		_, err := w.PlanReplacement(t.Context(), w.patient, tt.key)
		if err == nil || !strings.Contains(err.Error(), tt.says) || len(w.cloud.Mutations()) != before {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
	}
	w := replaceable(t)
	p, err := w.PlanReplacement(t.Context(), w.patient, "mine")
	if err != nil {
		t.Fatal(err)
	}
	w.cloud.Deny("ec2:RunInstances")
	var denied *controller.CloudError
	if _, err := w.Replace(t.Context(), p); !errors.As(err, &denied) || denied.Kind != controller.Denied {
		t.Error(err)
	}
}
