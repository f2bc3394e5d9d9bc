package ec2

import (
	"net/url"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// A request is a call whose parameters are being read. A handler reads all that it
// knows, and asks once, with end, whether that was right.
type request struct {
	*wire.Params
	action string
	values url.Values
}

func newRequest(c *wire.Call) *request { return &request{c.Params(), c.Action, c.Query} }

// end is the fault of the request: a parameter that is missing, malformed or not
// known here. A dry run ends here too.
func (r *request) end() error {
	r.Ignore("AWSAccessKeyId")
	dry := r.Bool("DryRun")
	if err := r.Done(); err != nil || !dry {
		return err
	}
	return &wire.Fault{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: 412}
}

// act is a call that changes the account: it ends the reading of the request, and
// makes the change that is its answer.
func (e *EC2) act(r *request, f func(a *account, now time.Time) (any, error)) (any, error) {
	if err := r.end(); err != nil {
		return nil, err
	}
	return e.answer(f)
}

func (e *EC2) answer(f func(a *account, now time.Time) (any, error)) (answer any, err error) {
	err = e.change(func(a *account, now time.Time) (err error) {
		answer, err = f(a, now)
		return err
	})
	return answer, err
}

// actOn is a call that changes one resource, which a parameter names.
func actOn[T any](e *EC2, r *request, param string, find func(*account, string) (*T, error), f func(*account, *T, time.Time) (any, error)) (any, error) {
	id := r.Require(param)
	return e.act(r, func(a *account, now time.Time) (any, error) {
		x, err := find(a, id)
		if err != nil {
			return nil, err
		}
		return f(a, x, now)
	})
}

// truth reads a truth value; nil where there is none.
func truth(p *wire.Params, name string) *bool {
	if !p.Has(name) {
		return nil
	}
	v := p.Bool(name)
	return &v
}

// value reads an attribute's truth value, NAME.Value.
func (r *request) value(name string) *bool { return truth(r.Sub(name), "Value") }

// blob reads an attribute's bytes, NAME.Value, in base64; nil where there are none.
func (r *request) blob(name string) *string {
	if p := r.Sub(name); p.Has("Value") {
		text := p.String("Value")
		return &text
	}
	return nil
}

func set(field *bool, value *bool) {
	if value != nil {
		*field = *value
	}
}
