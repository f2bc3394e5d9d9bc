package ec2

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// A bench is a service on a memory host, at a clock that stands still until it is
// moved.
type bench struct {
	*testing.T
	*EC2
	host  *memoryHost
	keys  keyring
	time  *clock
	dir   string
	again byte // how often it was opened
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

type keyring map[string]bool // by ARN: whether the key is enabled

func (k keyring) Key(id string) (arn string, enabled, customer, ok bool) {
	if id == "alias/aws/ebs" {
		return "arn:aws:kms:us-east-1:123456789012:key/ebs", true, false, true
	}
	enabled, ok = k[id]
	return id, enabled, true, ok
}

type roles struct{}

func (roles) Profile(name string) (arn, role string, ok bool) {
	const own = "arn:aws:iam::123456789012:instance-profile/regain-helper"
	return own, "regain-helper", name == "regain-helper" || name == own
}

func (roles) RoleCredentials(role, instance string) (key, secret, token string, expires time.Time, err error) {
	if role != "regain-helper" {
		return "", "", "", time.Time{}, errors.New("no such role")
	}
	return "ASIA" + role, "secret of " + instance, "token", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), nil
}

const key = "arn:aws:kms:us-east-1:123456789012:key/0001"

func newBench(t *testing.T) *bench {
	b := &bench{
		T: t, host: newHost(), keys: keyring{key: true}, dir: t.TempDir(), time: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
	}
	b.open()
	return b
}

// open opens the service on the state as it stands: after a kill, if it was open.
func (b *bench) open() {
	b.Helper()
	b.again++
	var err error
	b.EC2, err = Open(b.Context(), Config{
		Dir: b.dir, Account: "123456789012", Region: "us-east-1", Boot: "sshd", Host: b.host, Keys: b.keys, Roles: roles{}, Now: b.time.Now,
		Random: rand.NewChaCha8([32]byte{b.again}), Pace: rules.Pace{Speed: 1},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// kill takes the power from the lab and its machines, and opens it again.
func (b *bench) kill() {
	b.Helper()
	b.host = newHost()
	b.open()
}

// pass lets time go by, and then machines and files come to rest.
func (b *bench) pass(d time.Duration) {
	b.Helper()
	b.time.mu.Lock()
	b.time.now = b.time.now.Add(d)
	b.time.mu.Unlock()
	b.rest(b.Context())
}

func (b *bench) rest(ctx context.Context) {
	b.Helper()
	for range 100 {
		if err := b.settle(); err != nil {
			b.Fatal(err)
		}
		if b.drive(ctx) == 0 {
			return
		}
		b.work.Wait()
	}
	b.Fatal("the service does not come to rest")
}

// element is an answer in XML.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// at is the text at a path of names; several of one name give the first.
func (x element) at(path string) string {
	all := x.all(path)
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

func (x element) all(path string) []string {
	var texts []string
	for _, e := range x.find(path) {
		texts = append(texts, strings.TrimSpace(e.Text))
	}
	return texts
}

func (x element) find(path string) []element {
	if path == "" {
		return []element{x}
	}
	name, rest, _ := strings.Cut(path, "/")
	var found []element
	for _, c := range x.Children {
		if c.XMLName.Local == name {
			found = append(found, c.find(rest)...)
		}
	}
	return found
}

// call makes a call: parameters are NAME=VALUE.
func (b *bench) call(action string, params ...string) (element, error) {
	b.Helper()
	values := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		values.Set(name, value)
	}
	c := &wire.Call{ID: "req", Service: "ec2", Action: action, Region: "us-east-1", Query: values}
	model.checkInput(b, action, values)
	if _, err := b.Checks(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	answer, err := b.Do(b.Context(), c)
	if err != nil {
		return element{}, err
	}
	var data bytes.Buffer
	if err := xml.NewEncoder(&data).EncodeElement(answer, xml.StartElement{Name: xml.Name{Local: "answer"}}); err != nil {
		b.Fatalf("%s: %v", action, err)
	}
	var x element
	if err := xml.NewDecoder(&data).Decode(&x); err != nil {
		b.Fatalf("%s: %v", action, err)
	}
	model.checkOutput(b, action, x)
	return x, nil
}

// do makes a call that must succeed.
func (b *bench) do(action string, params ...string) element {
	b.Helper()
	x, err := b.call(action, params...)
	if err != nil {
		b.Fatalf("%s %q: %v", action, params, err)
	}
	return x
}

// fails makes a call that must fail with a code.
func (b *bench) fails(code, action string, params ...string) {
	b.Helper()
	_, err := b.call(action, params...)
	var fault *wire.Fault
	if !errors.As(err, &fault) || fault.Code != code {
		b.Errorf("%s %q: got %v, want %s", action, params, err, code)
	}
}

// disk writes a raw image.
func (b *bench) disk(text string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "disk")
	if err := os.WriteFile(path, append([]byte(text), make([]byte, 8192)...), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// head is how a file begins.
func (b *bench) head(path string, n int) string {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	text := make([]byte, n)
	if _, err := io.ReadFull(f, text); err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// guest creates an instance that is running, or stopped.
func (b *bench) guest(s Spec) string {
	b.Helper()
	if s.Image == "" {
		s.Image = b.disk("bootable")
	}
	id, err := b.Create(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	b.pass(time.Minute)
	return id
}

// helper launches a rescue box.
func (b *bench) helper(params ...string) string {
	b.Helper()
	x := b.do("RunInstances", append([]string{
		"ImageId=" + HelperImage("x86_64"), "InstanceType=t3.micro", "MinCount=1", "MaxCount=1", "IamInstanceProfile.Name=regain-helper",
	}, params...)...)
	b.pass(time.Minute)
	return x.at("instancesSet/item/instanceId")
}

const inst = "reservationSet/item/instancesSet/item/"

func (b *bench) instance(id, field string) string {
	b.Helper()
	return b.do("DescribeInstances", "InstanceId.1="+id).at(inst + field)
}

func (b *bench) state(id string) string {
	b.Helper()
	return b.instance(id, "instanceState/name")
}

func (b *bench) root(id string) string {
	b.Helper()
	return b.instance(id, "blockDeviceMapping/item/ebs/volumeId")
}

func (b *bench) volume(id, field string) string {
	b.Helper()
	return b.do("DescribeVolumes", "VolumeId.1="+id).at("volumeSet/item/" + field)
}

func (b *bench) want(what, got, want string) {
	b.Helper()
	if got != want {
		b.Errorf("%s is %q, want %q", what, got, want)
	}
}

func itoa(n int) string  { return strconv.Itoa(n) }
func btoa(v bool) string { return strconv.FormatBool(v) }
