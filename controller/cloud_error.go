package controller

import (
	"strings"
	"time"
)

// Kind sorts the failures of a cloud by what can be done about them.
type Kind string

// The kinds of failure.
const (
	NotFound  Kind = "not-found"
	Denied    Kind = "denied"    // a permission is missing
	Throttled Kind = "throttled" // too many calls: again later
	Unknown   Kind = "unknown"   // no answer: it may have happened
	Capacity  Kind = "capacity"  // no such machine to be had now
	State     Kind = "state"     // not in this state of the resource
	Exists    Kind = "exists"
	Quota     Kind = "quota"
	Invalid   Kind = "invalid" // everything else that the cloud refuses
)

// CloudError is a failure of a call.
type CloudError struct {
	Kind    Kind
	Action  string // as IAM names it: ec2:StopInstances
	Code    string // the cloud's own: IncorrectInstanceState
	Message string
	After   time.Duration // Throttled: not before
}

func (e *CloudError) Error() string {
	return strings.TrimSuffix(e.Action+": "+e.Code+": "+e.Message, ": ") // some have a code alone
}
