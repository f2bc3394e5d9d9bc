package lab

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

var start = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func query(action string, pairs ...string) *wire.Call {
	values := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return &wire.Call{Service: "ec2", Action: action, Region: "us-east-1", Query: values}
}

func instances(action string, n int) *wire.Call {
	c := query(action)
	for i := range n {
		c.Query.Set("InstanceId."+strconv.Itoa(i+1), "i-"+strconv.Itoa(i))
	}
	return c
}

// granted is how many of 200 calls at once are let through.
func granted(t *throttle, c *wire.Call, at time.Time) int {
	n := 0
	for range 200 {
		if t.take(c, at) == nil {
			n++
		}
	}
	return n
}

func TestBuckets(t *testing.T) {
	for name, tt := range map[string]struct {
		call         *wire.Call
		burst, after int // at once, and 3 s later
	}{
		"filtered describe":   {query("DescribeInstances", "Filter.1.Name", "x"), 100, 60},
		"unfiltered describe": {query("DescribeInstances"), 50, 30},
		"attach":              {query("AttachVolume", "VolumeId", "vol-1"), 50, 15},
		"start":               {instances("StartInstances", 1), 5, 5},
		"terminate":           {instances("TerminateInstances", 1), 100, 15},
		"start of many":       {instances("StartInstances", 400), 2, 0}, // 1000 instances at most
		"run many":            {query("RunInstances", "MinCount", "1", "MaxCount", "500"), 2, 0},
		"run dry":             {query("RunInstances", "MaxCount", "500", "DryRun", "true"), 5, 5},
		"put parameter":       {&wire.Call{Service: "ssm", Action: "PutParameter"}, 3, 3},
		"not throttled":       {&wire.Call{Service: "sts", Action: "GetCallerIdentity"}, 200, 200},
	} {
		t.Run(name, func(t *testing.T) {
			th := &throttle{speed: 1, buckets: map[string]*bucket{}}
			if got := granted(th, tt.call, start); got != tt.burst {
				t.Errorf("%d calls at once, want %d", got, tt.burst)
			}
			if got := granted(th, tt.call, start.Add(3*time.Second)); got != tt.after {
				t.Errorf("%d calls after 3 s, want %d", got, tt.after)
			}
			if got := granted(th, tt.call, start.Add(time.Hour)); got != tt.burst {
				t.Errorf("%d calls after an hour, want %d: a bucket does not hold more", got, tt.burst)
			}
		})
	}
}

func TestBucketsAreApart(t *testing.T) {
	th := &throttle{speed: 10, buckets: map[string]*bucket{}}
	if got := granted(th, query("AttachVolume", "a", "b"), start); got != 50 {
		t.Fatalf("%d calls", got)
	}
	if got := granted(th, query("DetachVolume", "a", "b"), start); got != 50 {
		t.Errorf("another action gets %d, want a bucket of its own", got)
	}
	elsewhere := query("AttachVolume", "a", "b")
	elsewhere.Region = "eu-west-1"
	if got := granted(th, elsewhere, start); got != 50 {
		t.Errorf("another region gets %d, want a bucket of its own", got)
	}
	if got := granted(th, query("AttachVolume", "a", "b"), start.Add(100*time.Millisecond)); got != 5 {
		t.Errorf("%d calls after a tenth of a second at speed 10, want 5", got)
	}
	if got := granted(th, query("AttachVolume", "a", "b"), start.Add(-time.Hour)); got != 0 {
		t.Errorf("a clock that goes back grants %d calls", got)
	}
}

func TestThrottledInEachLanguage(t *testing.T) {
	for service, want := range map[string]string{
		"ec2": "RequestLimitExceeded", "ssm": "ThrottlingException", "kms": "ThrottlingException", "autoscaling": "Throttling", "iam": "Throttling", "s3": "SlowDown",
		"servicequotas": "TooManyRequestsException",
	} {
		if got := throttled(service).Code; got != want {
			t.Errorf("%s: %s, want %s", service, got, want)
		}
	}
}
