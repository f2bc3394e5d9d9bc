package main

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-77750964/regain/controller"
)

func TestOutcomeCode(t *testing.T) {
	for state, want := range map[string]int{
		controller.StateRescued: 0, controller.StateUnproven: 4, controller.StateTakenBack: 1, controller.StateRefused: 1,
		controller.StateInterrupted: 130, controller.StateNotHome: 3, "unheard of": 1,
	} {
		if got := outcomeCode(controller.Outcome{State: state}); got != want {
			t.Errorf("%s: got %d, want %d", state, got, want)
		}
	}
}

func TestWorst(t *testing.T) {
	for _, tt := range []struct {
		codes []int
		want  int
	}{
		{nil, 0}, {[]int{0, 0}, 0}, {[]int{0, 4, 1}, 1}, {[]int{130, 3, 1}, 3}, {[]int{4, 0}, 4}, {[]int{1, 130}, 130},
	} {
		if got := worst(tt.codes...); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.codes, got, tt.want)
		}
	}
}

func TestFailureCode(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want int
	}{
		"usage":       {context.Background(), &usageError{"x", ""}, 2},
		"interrupted": {ended, context.Canceled, 130},
		"failed":      {context.Background(), errors.New("x"), 1},
	} {
		if got := failureCode(tt.ctx, tt.err); got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}
