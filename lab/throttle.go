package lab

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// throttle holds the token buckets of the account. They are full when the lab starts.
type throttle struct {
	speed float64

	mu      sync.Mutex
	buckets map[string]*bucket // by rule, region and action
}

type bucket struct {
	tokens float64
	at     time.Time
}

// take takes what a call costs, or tells that it is throttled. A call that is throttled
// for its resources has cost its request token.
func (t *throttle) take(c *wire.Call, now time.Time) *wire.Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rule, ok := rules.RequestBucket(c.Service, c.Action, filtered(c)); ok && !t.takeFrom(rule, c, 1, now) {
		return throttled(c.Service)
	}
	if rule, ok := rules.ResourceBucket(c.Service, c.Action); ok && !t.takeFrom(rule, c, float64(count(c)), now) {
		return throttled(c.Service)
	}
	return nil
}

func (t *throttle) takeFrom(rule rules.Rule, c *wire.Call, tokens float64, now time.Time) bool {
	limit := rules.BucketOf(rule.ID)
	key := strings.Join([]string{rule.ID, c.Region, c.Action}, " ")
	b := t.buckets[key]
	if b == nil {
		b = &bucket{tokens: limit.Size, at: now}
		t.buckets[key] = b
	}
	b.tokens = min(limit.Size, b.tokens+max(0, now.Sub(b.at).Seconds())*limit.Refill*t.speed)
	b.at = now
	if b.tokens < tokens {
		return false
	}
	b.tokens -= tokens
	return true
}

// filtered tells whether a describing request names ids, filters or a page size.
func filtered(c *wire.Call) bool {
	for name := range c.Query {
		switch name {
		case "Action", "Version", "DryRun":
		default:
			return true
		}
	}
	return false
}

// count is how many resources a request is about.
func count(c *wire.Call) int {
	switch {
	case c.Query.Get("DryRun") == "true":
		return 0
	case c.Action == "RunInstances":
		n, err := strconv.Atoi(c.Query.Get("MaxCount"))
		if err != nil || n < 1 {
			return 1 // the service refuses it
		}
		return n
	}
	return len(c.Params().List("InstanceId"))
}

// throttled is how a service says that it is asked too often.
func throttled(service string) *wire.Fault {
	switch service {
	case "ec2":
		return &wire.Fault{Code: "RequestLimitExceeded", Message: "Request limit exceeded.", Status: http.StatusServiceUnavailable}
	case "s3":
		return &wire.Fault{Code: "SlowDown", Message: "Please reduce your request rate.", Status: http.StatusServiceUnavailable}
	case "ssm", "kms":
		return wire.Faultf("ThrottlingException", "Rate exceeded")
	case "servicequotas":
		return wire.Faultf("TooManyRequestsException", "Rate exceeded")
	}
	return wire.Faultf("Throttling", "Rate exceeded")
}
