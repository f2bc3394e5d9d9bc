package controller

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/offline"
)

func sampleAsk() Ask {
	return Ask{
		Instance: "i-0123456789abcdef0", Users: []string{"admin", "o'neil"}, Keys: KeysAgent, KeyType: "rsa", KMSKey: "alias/ssh", Expires: 36 * time.Hour,
		Repair: "all", RevokePrevious: true, AcceptUnknown: true, Backup: BackupSnapshot, Verify: VerifyAlways, Subnet: SubnetAuto,
		HelperType: "t3.large", Profile: "regain-helper", Installed: true, Accept: []string{"public-ip-change", "locked"},
	}
}

func TestAskSurvivesItsTag(t *testing.T) {
	for name, ask := range map[string]Ask{
		"everything": sampleAsk(),
		"nothing":    {},
		"own key":    {Keys: KeysGiven, PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJb1VvXwDOFY8uP5GMuUP0ZX3ZsMJZ0MxlSZwqM2hpJ anna@desk é"},
	} {
		text := encodeAsk(ask)
		checkTag(t, text)
		back := Ask{Instance: ask.Instance}
		lost, err := decode(askFields, text, &back)
		if err != nil || len(lost) > 0 || !reflect.DeepEqual(back, ask) {
			t.Errorf("%s: %q gives\n%+v, want\n%+v: lost %v, %v", name, text, back, ask, lost, err)
		}
	}
}

func TestALongPublicKeyIsLeftOut(t *testing.T) {
	ask := sampleAsk()
	ask.PublicKey = "ssh-rsa " + strings.Repeat("A", 700)
	text := encodeAsk(ask)
	checkTag(t, text)
	back := Ask{Instance: ask.Instance}
	lost, err := decode(askFields, text, &back)
	if err != nil || !reflect.DeepEqual(lost, []string{"P"}) {
		t.Fatalf("lost %v, %v", lost, err)
	}
	if ask.PublicKey = ""; !reflect.DeepEqual(back, ask) {
		t.Errorf("%+v, want %+v", back, ask)
	}
}

func TestTheLongestAskFits(t *testing.T) {
	ask := sampleAsk()
	long := strings.Repeat("long!", 60)
	ask.PublicKey, ask.KMSKey, ask.Profile, ask.Bucket, ask.Repair, ask.Users = long, long, long, long, long, []string{long}
	ask.HelperType, ask.HelperAMI, ask.Accept = long, long, []string{long}
	checkTag(t, encodeAsk(ask))
}

func TestRecordSurvivesItsTag(t *testing.T) {
	for name, r := range map[string]*Rescue{
		"running": {Original: &Original{
			Instance: Instance{State: Running}, Root: Device{Name: "/dev/xvda", Volume: "vol-0123456789abcdef0", DeleteOnTermination: true},
			Attributes: Attributes{StopProtection: true}, Group: &Group{Lifecycle: "InService"},
		}},
		"rescued, on its way home": {Original: &Original{Instance: Instance{State: Stopped}, Root: Device{Name: "/dev/sda1", Volume: "vol-1"}},
			Homing: true, Exposed: true, Fleet: "20261122T155300Z-3fa2c1", Result: &Result{Good: true, Touched: true, Users: []string{"admin"}}},
	} {
		text := encodeRecord(r)
		checkTag(t, text)
		back := &Rescue{Original: &Original{}}
		lost, err := decode(recordFields, text, back)
		if err != nil || len(lost) > 0 || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: %q gives\n%+v, want\n%+v: lost %v, %v", name, text, back, r, lost, err)
		}
	}
	r := &Rescue{Original: &Original{}}
	if encodeRecord(r); r.Result != nil {
		t.Error("writing changes the record")
	}
}

// checkTag holds a value against EC2's rules for tags.
func checkTag(t *testing.T, value string) {
	t.Helper()
	if len(value) > 256 {
		t.Errorf("%d characters: %q", len(value), value)
	}
	for _, c := range value {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 +-=._:/@", c) {
			t.Errorf("%q holds %q", value, c)
		}
	}
}

func TestTagsThatAreNotOurs(t *testing.T) {
	for _, text := range []string{"zz=1", "u=@4", "u=@ZZ", "e=long", "nonsense"} {
		if _, err := decode(askFields, text, &Ask{}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for name, tags := range map[string]map[string]string{
		"empty":     {},
		"no volume": {TagRun: "r", TagRecord: "s=running", TagSince: "2026-11-22T15:53:00Z"},
		"no time":   {TagRun: "r", TagRecord: "v=vol-1 d=/dev/xvda", TagSince: "today"},
	} {
		if _, _, err := recordFrom("i-1", tags); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestTagText(t *testing.T) {
	for text, want := range map[string]string{"anna@desk": "anna@desk", "Änna (x)": "_nna _x_", strings.Repeat("a", 300): strings.Repeat("a", 256)} {
		if got := tagText(text); got != want {
			t.Errorf("%q gives %q", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("u=admin k=agent e=1h0m0s P=?", "v=vol-1 d=/dev/xvda t=1 s=running")
	f.Add("u=@", "g=@20@")
	f.Fuzz(func(t *testing.T, ask, record string) {
		var a Ask
		if lost, err := decode(askFields, ask, &a); err == nil && len(lost) == 0 {
			var again Ask
			text := encodeAsk(a)
			checkTag(t, text)
			if lost, err := decode(askFields, text, &again); err != nil || len(lost) == 0 && encodeAsk(again) != text {
				t.Errorf("%q becomes %q: %v", text, encodeAsk(again), err)
			}
		}
		r := &Rescue{Original: &Original{}}
		if _, err := decode(recordFields, record, r); err == nil {
			checkTag(t, encodeRecord(r))
		}
	})
}

func FuzzReport(f *testing.F) {
	f.Add(`{"schema":"regain.report/1","run":"r-1","volume":"vol-1","outcome":"rescued","key":{"public":"ssh-ed25519 AAAA"}}`)
	f.Add("{}\n{}")
	f.Fuzz(func(t *testing.T, stdout string) {
		r, err := parseReport(stdout)
		if (r == nil) == (err == nil) {
			t.Fatalf("%v, %v", r, err)
		}
		if err == nil {
			_ = judge(r, 0, offline.Task{Run: "r-1", Volume: "vol-1"}, false)
			_ = resultOf(r, 0)
		}
		_ = undone(stdout, 1)
	})
}
