package ec2

import (
	"net/url"

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
