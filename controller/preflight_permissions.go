package controller

import (
	"context"
	"strings"
)

// gatherPermissions works out what the rescue will ask for, and has it
// simulated. The root user is not simulated: IAM denies it nothing.
func gatherPermissions(ctx context.Context, _ *Controller, cloud Cloud, s *situation) error {
	s.needed = s.permissions()
	if strings.HasSuffix(s.caller.ARN, ":root") {
		return nil
	}
	denied, err := cloud.Simulate(ctx, s.caller, s.needed)
	if is(err, Denied) || is(err, Invalid) || is(err, NotFound) {
		s.unsimulated = err
		return nil
	}
	s.denied = denied
	return err
}

// permissions are what the rescue will ask for.
func (s *situation) permissions() []Permission { return nil }

// grantedBy names the statement of the shipped policy that grants an action.
func grantedBy(string) string { return "" }
