// Package wire speaks the protocols of AWS on the server's side: it verifies
// signatures (SigV4, in the header or presigned), decodes what was asked, and
// encodes answers and errors as each service does.
//
// A service reads the parameters of a query call with Params, which knows the lists
// and structures that are flattened into names:
//
//	p := c.Params()
//	ids := p.Strings("InstanceId")            // InstanceId.1, InstanceId.2, … (or InstanceId.member.1)
//	for _, f := range p.List("Filter") {      // Filter.1.Name, Filter.1.Value.1, …
//		name, values := f.Require("Name"), f.Strings("Value")
//	}
//	profile := p.Sub("IamInstanceProfile").String("Name") // IamInstanceProfile.Name
//	dry := p.Bool("DryRun")
//	if err := p.Done(); err != nil {          // missing and malformed ones, and those that nobody read
//		return nil, err
//	}
//
// A service answers with a struct that has only what the service's documentation
// shows inside the answer. For ec2 its fields become the children of
// <ActionResponse>, beside the <requestId> that wire adds; for sts, iam and
// autoscaling those of <ActionResult>. Names and lists are xml tags:
//
//	type describeVolumes struct {
//		Volumes []volume `xml:"volumeSet>item"`
//		Next    string   `xml:"nextToken,omitempty"`
//	}
//	type done struct{ Return bool `xml:"return"` }
//
// A nil answer has no children. The JSON services read with Call.Decode and answer
// with json tags; nil is {}. S3 answers with a struct that names its root by XMLName,
// or with a *Reply where it needs status, headers or a body of bytes. Times are of
// type Time, which is written as each protocol does.
//
// It knows no service but the protocol that each speaks, and keeps no state.
package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Identity is who signed a call.
type Identity struct {
	Account   string
	ARN       string // arn:aws:iam::…:user/NAME, or arn:aws:sts::…:assumed-role/ROLE/SESSION
	UserID    string
	AccessKey string
	Role      string // the role's name; empty for a user
	Instance  string // the instance whose metadata service gave the credentials
}

// Call is one request, authenticated and decoded.
type Call struct {
	ID      string // the request id
	Service string // the signing name: ec2, ssm, sts, iam, kms, s3, autoscaling, servicequotas
	Action  string
	Region  string
	Caller  Identity
	Query   url.Values      // ec2, sts, iam, autoscaling
	JSON    json.RawMessage // ssm, kms, servicequotas
	HTTP    *http.Request   // s3: method, path, headers, body
}

// Check is one question to IAM that a call raises.
type Check struct {
	Action   string // "ec2:StopInstances"
	Resource string // an ARN, or "*"
	Context  map[string][]string
	Late     bool // a no does not refuse the call: the service hears of it, with Refused
}

// A Service answers the calls of one AWS service.
type Service interface {
	Name() string      // the signing name
	Actions() []string // sorted; other actions are answered with InvalidAction
	// Checks are the questions to IAM before a call is carried out. They may
	// need to look things up, such as tags of a resource.
	Checks(ctx context.Context, c *Call) ([]Check, error)
	// Do carries out a call. The answer is a struct that the service's protocol
	// encodes: XML for query and REST services, JSON for the others. An error
	// that is no *Fault is answered as InternalError.
	Do(ctx context.Context, c *Call) (any, error)
}

// Fault is an error that the caller is told of.
type Fault struct {
	Code    string
	Message string
	Status  int // HTTP; 0: 400
}

func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// Faultf makes a Fault with status 400.
func Faultf(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// IsFault tells whether an error is a fault with one of the codes, or any fault
// when there are none.
func IsFault(err error, codes ...string) bool {
	var fault *Fault
	return errors.As(err, &fault) && (len(codes) == 0 || slices.Contains(codes, fault.Code))
}
