package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
)

// An instance that runs, or is about to, is not stopped without a yes.
func TestConsent(t *testing.T) {
	for state, asks := range map[string]bool{
		controller.Running: true, controller.Pending: true, controller.Stopped: false, controller.Stopping: false,
	} {
		var plan controller.Plan
		plan.Original.Instance.ID, plan.Original.Instance.State = "i-0123456789abcdef0", state
		err := (&program{}).consent(t.Context(), &resetFlags{}, []controller.Plan{plan})
		usage := (*usageError)(nil)
		if asks != (errors.As(err, &usage) && strings.Contains(usage.text, "i-0123456789abcdef0 would be stopped")) {
			t.Errorf("%s: %v", state, err)
		}
		if err := (&program{}).consent(t.Context(), &resetFlags{yes: true}, []controller.Plan{plan}); err != nil {
			t.Errorf("%s, with --yes: %v", state, err)
		}
	}
}
