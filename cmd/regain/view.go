package main

import (
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/offline"
)

// A view shows what happens while it happens: JSON events on stdout, or lines
// on stderr. On a terminal the last line is alive: it shows the step under way,
// for how long, what it waits for, and how long the instance has been down.
type view struct {
	p *program

	mu     sync.Mutex
	runs   map[string]*shown
	order  []string
	turn   int // whose line is shown, where there are many
	drawn  bool
	stop   chan struct{}
	ended  chan struct{}
	closed bool
}

// shown is what is known of one run.
type shown struct {
	last   controller.Event
	since  time.Time // of the step
	waited bool      // in the step
	down   time.Time
	over   bool
}

// instant is a step that did nothing, or nothing that takes time.
const instant = 200 * time.Millisecond

// redraw is how often the live line is drawn anew.
const redraw = 250 * time.Millisecond

func (p *program) newView() *view {
	v := &view{p: p, runs: map[string]*shown{}, stop: make(chan struct{}), ended: make(chan struct{})}
	p.view = v
	if p.alive && !p.json {
		go v.tick()
	} else {
		close(v.ended)
	}
	return v
}

func (p *program) closeView() {
	if p.view != nil {
		p.view.close()
	}
}

func (v *view) close() {
	v.mu.Lock()
	if !v.closed {
		v.closed = true
		close(v.stop)
	}
	v.mu.Unlock()
	<-v.ended
}

func (v *view) tick() {
	defer close(v.ended)
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-v.stop:
			v.mu.Lock()
			v.erase()
			v.mu.Unlock()
			return
		case now := <-ticker.C:
			v.mu.Lock()
			if n%8 == 0 {
				v.turn++
			}
			v.draw(now)
			v.mu.Unlock()
		}
	}
}

// note prints a line beside the live one.
func (v *view) note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	v.p.say(text)
}

// watch is told of each event.
func (v *view) watch(e controller.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.p.json {
		v.p.object(map[string]any{"event": e})
		return
	}
	s := v.runs[e.Run]
	if s == nil {
		s = &shown{}
		v.runs[e.Run] = s
		v.order = append(v.order, e.Run)
	}
	if s.last.Step != e.Step || s.last.Way != e.Way {
		s.since, s.waited = e.Time, false
	}
	text := v.news(s, e)
	s.last, s.down = e, e.Down
	s.over = e.Event == "home" || e.Event == "stuck"
	if text == "" {
		return
	}
	v.erase()
	v.p.say(text)
}

// news is the line for an event; empty when there is nothing new in it. Where
// the last line is alive, it is what tells of the waiting.
func (v *view) news(s *shown, e controller.Event) string {
	prefix := ""
	if len(v.order) > 1 {
		prefix = e.Instance + " "
	}
	switch took := e.Time.Sub(s.since).Round(100 * time.Millisecond); e.Event {
	case "waits":
		s.waited = true
		if v.p.alive || s.last.Event == "waits" && s.last.Step == e.Step && s.last.Why == e.Why {
			return ""
		}
		return fmt.Sprintf("%s%s: waiting %s%s", prefix, label(e), e.Why, downtime(e.Time, e.Down))
	case "done", "undone":
		if took < instant && !s.waited {
			return "" // there was nothing to do
		}
		return fmt.Sprintf("%s%s: done (%s)%s", prefix, label(e), took, downtime(e.Time, e.Down))
	case "failed", "stuck":
		return fmt.Sprintf("%s%s: %s: %s", prefix, label(e), e.Event, e.Error)
	case "turned":
		return fmt.Sprintf("%s%s: %s: on the way home", prefix, label(e), e.Error)
	}
	return ""
}

func label(e controller.Event) string {
	if e.Way == "home" {
		return "home: " + e.Step
	}
	return e.Step
}

func downtime(now, down time.Time) string {
	if down.IsZero() {
		return ""
	}
	return fmt.Sprintf(" [down %s]", now.Sub(down).Round(time.Second))
}

// draw shows one run that is under way; several take turns.
func (v *view) draw(now time.Time) {
	var under []*shown
	for _, run := range v.order {
		if s := v.runs[run]; !s.over {
			under = append(under, s)
		}
	}
	v.erase()
	if len(under) == 0 {
		return
	}
	s := under[v.turn%len(under)]
	text := fmt.Sprintf("… %s %s", label(s.last), now.Sub(s.since).Round(time.Second))
	if len(v.order) > 1 {
		text = fmt.Sprintf("… %d of %d under way; %s: %s %s", len(under), len(v.order), s.last.Instance, label(s.last), now.Sub(s.since).Round(time.Second))
	}
	if s.last.Why != "" {
		text += ": waiting " + s.last.Why
	}
	text = clip(offline.Printable(text+downtime(now, s.down)), v.p.width()-1)
	fmt.Fprint(v.p.stderr, text)
	v.drawn = true
}

// erase takes the live line away.
func (v *view) erase() {
	if v.drawn {
		fmt.Fprint(v.p.stderr, "\r\x1b[K")
		v.drawn = false
	}
}

// clip cuts text to a number of columns.
func clip(text string, columns int) string {
	if utf8.RuneCountInString(text) <= columns {
		return text
	}
	return string([]rune(text)[:max(columns-1, 0)]) + "…"
}
