package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// tick is a clock that a test sets.
type tick struct{ now time.Time }

func (t *tick) Now() time.Time                           { return t.now }
func (t *tick) Sleep(_ context.Context, until time.Time) { t.now = until }
func (t *tick) pass(d time.Duration)                     { t.now = t.now.Add(d) }
func newTick() *tick                                     { return &tick{time.Date(2026, 11, 22, 15, 53, 0, 0, time.UTC)} }
func echo(asked *[]int) func(context.Context, ...string) ([]string, error) {
	return func(_ context.Context, ids ...string) ([]string, error) {
		*asked = append(*asked, len(ids))
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "none" }), nil
	}
}

func TestBoard(t *testing.T) {
	clock, asked := newTick(), []int{}
	b := &board[string]{describe: echo(&asked), id: func(s string) string { return s }, most: 3, clock: clock, fresh: time.Second}
	look := func(ids ...string) []string {
		t.Helper()
		found, err := b.look(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	steps := []struct {
		name  string
		do    func() []string
		want  []string
		asked []int // ids of each call so far
	}{
		{"the first asks", func() []string { return look("a") }, []string{"a"}, []int{1}},
		{"at once again", func() []string { return look("a") }, []string{"a"}, []int{1}},
		{"what is not there", func() []string { return look("none") }, nil, []int{1, 1}},
		{"also", func() []string { return look("none") }, nil, []int{1, 1}},
		{"later, with the other", func() []string { clock.pass(time.Second); return look("a") }, []string{"a"}, []int{1, 1, 2}},
		{"which is known now", func() []string { return look("none", "a") }, []string{"a"}, []int{1, 1, 2}},
		{"a change makes stale", func() []string { b.changes("a"); return look("a") }, []string{"a"}, []int{1, 1, 2, 1}},
		{"a watch goes along", func() []string { clock.pass(time.Second); b.watch("b", "c", "d"); return look("e") }, []string{"e"}, []int{1, 1, 2, 1, 3}},
		{"nobody asks for long", func() []string { clock.pass(idle + time.Second); return look("z") }, []string{"z"}, []int{1, 1, 2, 1, 3, 1}},
		{"what is forgotten stays away", func() []string { clock.pass(time.Second); b.forget("z"); return look("y") }, []string{"y"}, []int{1, 1, 2, 1, 3, 1, 1}},
	}
	for _, s := range steps {
		if got := s.do(); !slices.Equal(got, s.want) || !slices.Equal(asked, s.asked) {
			t.Errorf("%s: %v after calls for %v, want %v after %v", s.name, got, asked, s.want, s.asked)
		}
	}
	if _, err := b.within(t.Context(), time.Hour, []string{"a", "y"}); err != nil || len(asked) != len(steps[9].asked) {
		t.Errorf("what is old enough is asked for again: %v, %v", asked, err)
	}
}

func TestABoardThatCannotAsk(t *testing.T) {
	failed := errors.New("no")
	b := &board[string]{describe: func(context.Context, ...string) ([]string, error) { return nil, failed }, most: 3, clock: newTick(), fresh: time.Second}
	if _, err := b.look(t.Context(), []string{"a"}); !errors.Is(err, failed) {
		t.Error(err)
	}
}

func TestGroups(t *testing.T) {
	clock := newTick()
	var calls []string
	g := &groups{now: clock.Now}
	refused := &CloudError{Kind: State, Action: "x"}
	call := func(_ context.Context, ids ...string) (string, error) {
		calls = append(calls, fmt.Sprint(len(ids)))
		if slices.Contains(ids, "bad") {
			return "", refused
		}
		return "done", nil
	}
	do := func(id string) *answered { return g.do(t.Context(), "stop", id, 5*time.Second, call) }
	for _, id := range []string{"a", "bad", "b", "c"} {
		for range 2 {
			if do(id) != nil {
				t.Errorf("%s has an answer", id)
			}
		}
	}
	g.withdraw("c")
	if g.flush(t.Context()) {
		t.Error("made before it was due")
	}
	clock.pass(5 * time.Second)
	if !g.flush(t.Context()) || g.flush(t.Context()) {
		t.Error("not made when it was due, or twice")
	}
	if !slices.Equal(calls, []string{"3", "1", "1", "1"}) {
		t.Errorf("calls for %v", calls)
	}
	for id, want := range map[string]error{"a": nil, "b": nil, "bad": refused} {
		if a := do(id); a == nil || !errors.Is(a.err, want) || !a.at.Equal(clock.now) {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if do("a") != nil {
		t.Error("an answer serves twice")
	}
	for i := range mostGrouped + 1 {
		do(fmt.Sprint(i))
	}
	calls = nil
	if !g.flush(t.Context()) || !slices.Equal(calls, []string{"50", "2"}) {
		t.Errorf("a full group waits, or is too large: %v", calls)
	}
}

func TestAGroupThatIsThrottled(t *testing.T) {
	n := 0
	g := &groups{now: newTick().Now}
	call := func(context.Context, ...string) (string, error) { n++; return "", &CloudError{Kind: Throttled} }
	for _, id := range []string{"a", "b"} {
		g.do(t.Context(), "k", id, 0, call)
	}
	g.flush(t.Context())
	for _, id := range []string{"a", "b"} {
		if a := g.do(t.Context(), "k", id, 0, call); a == nil || !is(a.err, Throttled) || n != 1 {
			t.Errorf("%s: %+v after %d calls", id, a, n)
		}
	}
}

func TestTransient(t *testing.T) {
	c := &Controller{Random: zeros{}}
	for name, tt := range map[string]struct {
		err     error
		attempt int
		wait    time.Duration // 0: final
	}{
		"throttled":                 {&CloudError{Kind: Throttled}, 1, time.Second},
		"throttled for long":        {&CloudError{Kind: Throttled}, 99, 20 * time.Second},
		"throttled until":           {&CloudError{Kind: Throttled, After: 7 * time.Second}, 3, 7 * time.Second},
		"no answer":                 {fmt.Errorf("wrapped: %w", &CloudError{Kind: Unknown}), 3, 4 * time.Second},
		"no capacity":               {&CloudError{Kind: Capacity}, 50, 20 * time.Second},
		"not yet known":             {&CloudError{Kind: NotFound}, 2, 2 * time.Second},
		"not known":                 {&CloudError{Kind: NotFound}, 6, 0},
		"in another state":          {&CloudError{Kind: State}, 5, 16 * time.Second},
		"in another state yet":      {&CloudError{Kind: State}, 6, 0},
		"denied":                    {&CloudError{Kind: Denied}, 1, 0},
		"invalid":                   {&CloudError{Kind: Invalid}, 1, 0},
		"exists":                    {&CloudError{Kind: Exists}, 1, 0},
		"beyond the quota":          {&CloudError{Kind: Quota}, 1, 0},
		"not of the cloud's at all": {errors.New("x"), 1, 0},
	} {
		wait, ok := c.transient(tt.err, tt.attempt)
		if ok != (tt.wait > 0) || ok && (wait.For != tt.wait || wait.Why == "") {
			t.Errorf("%s: %+v, %v", name, wait, ok)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
