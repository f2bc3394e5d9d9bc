package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/seed-77750964/regain/lab/wire"
)

// A bench is a lab that is served, with the SDK as its client.
type bench struct {
	*Lab
	server *httptest.Server
	cfg    aws.Config
	faults string
	stop   func()
}

func serve(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	state := t.TempDir()
	cfg := Config{State: state, Speed: 1000, Boot: "none", FaultsFile: filepath.Join(state, "faults.yaml")}
	if change != nil {
		change(&cfg)
	}
	b := &bench{faults: cfg.FaultsFile}
	b.server = httptest.NewUnstartedServer(nil)
	cfg.Listen = b.server.Listener.Addr().String()
	var err error
	if b.Lab, err = Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	b.server.Config.Handler = b.Handler()
	b.server.Start()
	b.stop = sync.OnceFunc(func() {
		b.server.Close()
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	key, err := ReadCredentials(cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	b.cfg = aws.Config{
		Region: key.Region, BaseEndpoint: aws.String(b.server.URL), Credentials: credentials.NewStaticCredentialsProvider(key.AccessKey, key.Secret, ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	return b
}

func (b *bench) s3() *awss3.Client {
	return awss3.NewFromConfig(b.cfg, func(o *awss3.Options) { o.UsePathStyle = true })
}

func (b *bench) createBucket(t *testing.T, name string) error {
	_, err := b.s3().CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name})
	return err
}

func (b *bench) hasBucket(t *testing.T, name string) bool {
	t.Helper()
	list, err := b.s3().ListBuckets(t.Context(), &awss3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range list.Buckets {
		if *bucket.Name == name {
			return true
		}
	}
	return false
}

// last is the newest entry of the log.
func (b *bench) last(t *testing.T) Entry {
	t.Helper()
	entries, err := ReadCalls(b.Lab.cfg.State)
	if err != nil || len(entries) == 0 {
		t.Fatalf("the log has %d entries: %v", len(entries), err)
	}
	return entries[len(entries)-1]
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestTimeouts(t *testing.T) {
	b := serve(t, nil)
	writeFaults(t, b.faults, "- {action: CreateBucket, kind: timeout-before}\n- {action: CreateBucket, nth: 2, kind: timeout-after}")
	if err := b.createBucket(t, "before"); err == nil || strings.Contains(err.Error(), "StatusCode: 200") {
		t.Errorf("got %v, want a connection that is cut", err)
	}
	if e := b.last(t); e.Outcome != kindBefore || b.hasBucket(t, "before") {
		t.Errorf("outcome is %q; the call had its effect: %v", e.Outcome, b.hasBucket(t, "before"))
	}
	if err := b.createBucket(t, "after"); err == nil {
		t.Error("no error, want a connection that is cut")
	}
	if e := b.last(t); e.Outcome != "timeout-after ok" || !b.hasBucket(t, "after") {
		t.Errorf("outcome is %q; the call had its effect: %v", e.Outcome, b.hasBucket(t, "after"))
	}
	if err := b.createBucket(t, "third"); err != nil || !b.hasBucket(t, "third") {
		t.Errorf("the third call: %v", err)
	}
}

func TestPlannedErrors(t *testing.T) {
	b := serve(t, nil)
	writeFaults(t, b.faults, "- {service: s3, action: CreateBucket, kind: error, code: OperationAborted, status: 409}\n- {service: ec2, nth: every, kind: throttle}")
	if err := b.createBucket(t, "one"); code(err) != "OperationAborted" || b.hasBucket(t, "one") {
		t.Errorf("got %v", err)
	}
	client := awsec2.NewFromConfig(b.cfg)
	for range 2 {
		if _, err := client.DescribeVolumes(t.Context(), &awsec2.DescribeVolumesInput{}); code(err) != "RequestLimitExceeded" {
			t.Errorf("got %v", err)
		}
	}
	writeFaults(t, b.faults, "nonsense")
	if _, err := client.DescribeVolumes(t.Context(), &awsec2.DescribeVolumesInput{}); code(err) != "InternalError" || !strings.Contains(err.Error(), "faults.yaml") {
		t.Errorf("got %v, want to be told of the file", err)
	}
}

func TestThrottledCalls(t *testing.T) {
	b := serve(t, func(c *Config) { c.Speed = 0.001 })
	client := awsec2.NewFromConfig(b.cfg)
	codes := map[string]int{}
	for range 7 {
		_, err := client.StartInstances(t.Context(), &awsec2.StartInstancesInput{InstanceIds: []string{"i-0123456789abcdef0"}})
		codes[code(err)]++
	}
	if codes["RequestLimitExceeded"] != 2 || codes["InvalidInstanceID.NotFound"] != 5 {
		t.Errorf("got %v", codes)
	}
	if e := b.last(t); e.Outcome != "RequestLimitExceeded" || !e.Mutating || len(e.Resources) != 1 {
		t.Errorf("the log has %+v", e)
	}
}

func TestEnforcedPolicies(t *testing.T) {
	b := serve(t, func(c *Config) { c.EnforceIAM = true })
	client := awsec2.NewFromConfig(b.cfg)
	look := func() string {
		_, err := client.DescribeVolumes(t.Context(), &awsec2.DescribeVolumesInput{})
		return code(err)
	}
	if got := look(); got != "UnauthorizedOperation" {
		t.Errorf("without a policy: %s", got)
	}
	if _, err := awssts.NewFromConfig(b.cfg).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("who one is needs no permission: %v", err)
	}
	policy := NewPolicy{Kind: "user", Principal: Operator, Name: "look", Policy: []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}}`)}
	if _, err := b.PutPolicy(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != "<nil>" {
		t.Errorf("with it: %s", got)
	}
	policy.Policy = nil
	if _, err := b.PutPolicy(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if got := look(); got != "UnauthorizedOperation" {
		t.Errorf("after it is gone: %s", got)
	}
}

func TestStrangersAreRefusedAndLogged(t *testing.T) {
	b := serve(t, nil)
	b.cfg.Credentials = credentials.NewStaticCredentialsProvider("AKIANOBODY", "x", "")
	_, err := awsec2.NewFromConfig(b.cfg).DescribeVolumes(t.Context(), &awsec2.DescribeVolumesInput{})
	if e := b.last(t); code(err) != "AuthFailure" || e.Outcome != "AuthFailure" || e.Caller != "" || e.Mutating {
		t.Errorf("got %v; the log has %+v", err, e)
	}
}

func TestUnknownActions(t *testing.T) {
	b := serve(t, nil)
	_, err := awsec2.NewFromConfig(b.cfg).CreateFlowLogs(t.Context(), &awsec2.CreateFlowLogsInput{ResourceIds: []string{"vpc-1"}, ResourceType: "VPC"})
	if code(err) != "InvalidAction" {
		t.Errorf("got %v", err)
	}
	_, err = b.s3().PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: aws.String("b"), Policy: aws.String("{}")})
	if code(err) != "NotImplemented" {
		t.Errorf("got %v", err)
	}
}

// A probe is a service that shows what dispatch hands to services.
type probe struct {
	mu    sync.Mutex
	stuck []time.Duration
	block chan struct{} // the call Block waits for it
}

func (*probe) Name() string      { return "autoscaling" }
func (*probe) Actions() []string { return []string{"Block", "Fail", "Go"} }
func (*probe) Checks(context.Context, *wire.Call) ([]wire.Check, error) {
	return nil, nil
}

func (p *probe) Do(ctx context.Context, c *wire.Call) (any, error) {
	switch c.Action {
	case "Fail":
		return nil, errors.New("cannot write state: disk full")
	case "Block":
		<-p.block
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = append(p.stuck, wire.StuckFor(ctx))
	return nil, nil
}

// carry lets a call of the probe through all but authentication.
func (b *bench) carry(t *testing.T, action string, pairs ...string) (Entry, error) {
	c := query(action, pairs...)
	c.Service = "autoscaling"
	e := entry(c, start)
	_, err := b.carryOut(t.Context(), c, &e)
	return e, err
}

func TestStuckLostAndFailed(t *testing.T) {
	b := serve(t, nil)
	p := &probe{}
	b.services["autoscaling"] = p
	var lost []string
	b.parts.lose = func(instance string) error { lost = append(lost, instance); return nil }
	writeFaults(t, b.faults, "- {action: Go, kind: stuck, for: 30s}\n- {action: Go, nth: 2, kind: lost-helper}\n- {action: Fail, nth: 2, kind: timeout-after}")
	for range 3 {
		if _, err := b.carry(t, "Go", "InstanceId", "i-0123456789abcdef0", "VolumeId", "vol-0123456789abcdef0"); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(p.stuck) != "[30s 0s 0s]" || fmt.Sprint(lost) != "[i-0123456789abcdef0]" {
		t.Errorf("stuck for %v, lost %v", p.stuck, lost)
	}
	if _, err := b.carry(t, "Fail"); outcome(err) != "InternalError" {
		t.Errorf("got %v", err)
	}
	if e, err := b.carry(t, "Fail"); !errors.Is(err, errCut) || e.Outcome != "timeout-after InternalError" {
		t.Errorf("got %v, logged as %q", err, e.Outcome)
	}
}

func TestASlowCallBlocksNoOther(t *testing.T) {
	b := serve(t, nil)
	p := &probe{block: make(chan struct{})}
	b.services["autoscaling"] = p
	done := make(chan error, 1)
	go func() {
		_, err := b.carry(t, "Block")
		done <- err
	}()
	for range 20 {
		if _, err := b.carry(t, "Go"); err != nil {
			t.Fatal(err)
		}
	}
	close(p.block)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestALabIsTakenUpAgain(t *testing.T) {
	b := serve(t, func(c *Config) { c.Region = "eu-central-1" })
	in := awss3.CreateBucketInput{Bucket: aws.String("kept"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"}}
	if _, err := b.s3().CreateBucket(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	state := b.Lab.cfg.State
	before, err := ReadCredentials(state)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{State: state}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second lab on the state: %v", err)
	}
	b.stop()
	b = serve(t, func(c *Config) { c.State = state })
	if after, err := ReadCredentials(state); err != nil || after != before || after.Region != "eu-central-1" {
		t.Errorf("the operator's credentials have changed (%v)", err)
	}
	if !b.hasBucket(t, "kept") {
		t.Error("the bucket is gone")
	}
	for _, name := range []string{"credentials.json", "iam.json", "calls.jsonl"} {
		if info, err := os.Stat(filepath.Join(state, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want a file that only its owner can read", name, info, err)
		}
	}
}
