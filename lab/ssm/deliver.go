package ssm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/store"
)

// retry is how soon a command is offered again to an instance that does not answer.
const retry = time.Second

// Advance does what is due: it delivers commands, and gives up those that could not
// be delivered in time. It returns when it wants to be called again; the zero time
// is not before the next call of the API. A command outlives the context.
func (s *SSM) Advance(ctx context.Context) (next time.Time, err error) {
	s.mu.Lock()
	open := maps.Clone(s.open)
	err, s.lost = s.lost, nil
	s.mu.Unlock()
	if len(open) == 0 || err != nil {
		return time.Time{}, err
	}
	listed, err := s.fleet()
	if err != nil {
		return time.Time{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(open)) {
		due, err := s.advance(context.WithoutCancel(ctx), open[id], listed)
		if err != nil {
			return time.Time{}, err
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, nil
}

// Run calls Advance when something is due, until the context ends.
func (s *SSM) Run(ctx context.Context) error {
	for {
		next, err := s.Advance(ctx)
		if err != nil {
			return fmt.Errorf("cannot carry commands on: %w", err)
		}
		var timer <-chan time.Time
		if !next.IsZero() {
			timer = time.After(max(next.Sub(s.cfg.Now()), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timer:
		case <-s.wake: // a new command
		}
	}
}

// advance carries one command on. Its end takes it off the list.
func (s *SSM) advance(ctx context.Context, file *store.File[command], listed map[string]managed) (next time.Time, err error) {
	now := s.cfg.Now().UTC()
	var c *command
	file.View(func(stored *command) { c = stored.clone() })
	ended, waits := true, false
	for id, i := range c.Invocations {
		ended, waits = ended && !i.open(), waits || i.Status == pending
		if i.Status == inProgress || i.Status == cancelling {
			limit := i.Started.Add(s.cfg.Pace.Scale(time.Duration(c.Execution) * time.Second))
			err = errors.Join(err, s.giveUp(file, id, i.Started, limit, listed[id]))
		}
	}
	if ended {
		s.mu.Lock()
		delete(s.open, c.ID)
		s.mu.Unlock()
	}
	if err != nil || !waits {
		return time.Time{}, err
	}
	if now.Before(c.Due) {
		return c.Due, nil
	}
	for _, id := range c.Instances {
		node, known := listed[id]
		switch {
		case c.Invocations[id].Status != pending:
		case !known:
			err = s.endPending(file, id, failed, "Undeliverable")
		case now.After(c.Requested.Add(time.Duration(c.Timeout) * time.Second)):
			err = s.endPending(file, id, timedOut, "Delivery Timed Out")
		case node.reachable():
			err = s.deliver(ctx, file, id)
		}
		if err != nil {
			return time.Time{}, err
		}
	}
	return now.Add(retry), nil
}

// giveUp ends what runs on an instance whose agent has become silent: when the
// execution has timed out, or when the agent is back and knows of nothing.
//
// "If the SSM agent is not available on the instance, the command status will show In
// Progress until the SSM agent is available again" (Amazon EC2 User Guide, Monitoring
// commands).
func (s *SSM) giveUp(file *store.File[command], instance string, started, limit time.Time, node managed) error {
	now := s.cfg.Now().UTC()
	var status, details string
	code := -1
	switch gone := node.ID == "" || node.Lost; {
	case gone && now.After(limit):
		status, details = timedOut, "Execution Timed Out"
	case !gone && node.reachable() && node.Up.After(started):
		status, details, code = failed, "Terminated", killed
	default:
		return nil
	}
	return file.Update(func(c *command) error {
		if i := c.Invocations[instance]; i.open() {
			i.end(status, details, code, now)
		}
		return nil
	})
}

func (s *SSM) endPending(file *store.File[command], instance, status, details string) error {
	return file.Update(func(c *command) error {
		if i := c.Invocations[instance]; i.Status == pending {
			i.end(status, details, -1, s.cfg.Now().UTC())
		}
		return nil
	})
}

// deliver runs a command on an instance. That it runs is stored first: a kill in
// between ends it as Terminated, and never runs it twice.
func (s *SSM) deliver(ctx context.Context, file *store.File[command], instance string) error {
	var run machine.Command
	err := file.Update(func(c *command) error {
		i := c.Invocations[instance]
		if i.Status != pending {
			return nil // another call was faster
		}
		i.Status, i.Details, i.Started = inProgress, inProgress, s.cfg.Now().UTC()
		run = machine.Command{ID: c.ID, Script: c.script(), Timeout: time.Duration(c.Execution) * time.Second}
		return nil
	})
	if err != nil || run.ID == "" {
		return err
	}
	refused := s.cfg.Host.Run(ctx, instance, run, func(r machine.Result) {
		if err := s.finish(file, instance, r); err != nil {
			s.mu.Lock()
			s.lost = errors.Join(s.lost, err)
			s.mu.Unlock()
		}
	})
	if refused == nil {
		return nil
	}
	return file.Update(func(c *command) error {
		i := c.Invocations[instance]
		switch {
		case i.Status == cancelling:
			i.end(cancelled, cancelled, -1, s.cfg.Now().UTC())
		case errors.Is(refused, machine.ErrOff):
			*i = invocation{Status: pending, Details: pending, Code: -1}
		default:
			i.Stderr = refused.Error()
			i.end(failed, failed, 1, s.cfg.Now().UTC())
		}
		return nil
	})
}

// finish stores how a command ended on an instance. A machine that broke tells nobody.
func (s *SSM) finish(file *store.File[command], instance string, r machine.Result) error {
	silent, err := s.silent()
	if err != nil || silent[instance] {
		return err
	}
	err = file.Update(func(c *command) error {
		i := c.Invocations[instance]
		if !i.open() {
			return nil
		}
		stderr := r.Stderr
		status, details := success, success
		switch {
		case i.Status == cancelling:
			status, details = cancelled, cancelled
		case r.TimedOut:
			status, details = timedOut, "Execution Timed Out"
		case r.Code != 0:
			status, details = failed, failed
			stderr = appendLine(stderr, fmt.Sprintf("failed to run commands: exit status %d", r.Code))
		}
		i.Stdout, i.Stderr, i.Started = cut(r.Stdout, "ssm.command.stdout"), cut(stderr, "ssm.command.stderr"), r.Started.UTC()
		i.end(status, details, r.Code, r.Ended.UTC())
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot store the end of a command: %w", err)
	}
	return nil
}

type cancelCommand struct {
	CommandID   string   `json:"CommandId"`
	InstanceIDs []string `json:"InstanceIds"`
}

// cancel ends a command where it has not ended. What runs is killed; how it ended is
// known a moment later.
func (s *SSM) cancel(p cancelCommand) (any, error) {
	file, err := s.commandFile(p.CommandID)
	if err != nil {
		return nil, err
	}
	var running []string
	err = file.Update(func(c *command) error {
		for _, id := range p.InstanceIDs {
			if c.Invocations[id] == nil {
				return fault("InvalidInstanceId", "")
			}
		}
		for _, id := range c.Instances {
			i := c.Invocations[id]
			switch {
			case len(p.InstanceIDs) > 0 && !slices.Contains(p.InstanceIDs, id):
			case i.Status == pending:
				i.end(cancelled, cancelled, -1, s.cfg.Now().UTC())
			case i.Status == inProgress:
				i.Status, i.Details = cancelling, cancelling
				running = append(running, id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, id := range running {
		if err := s.cfg.Host.Cancel(id, p.CommandID); err != nil && !errors.Is(err, machine.ErrOff) {
			return nil, fmt.Errorf("cannot cancel a command: %w", err)
		}
	}
	return nil, nil
}
