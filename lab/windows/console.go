package windows

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
)

// A console is the serial port of a machine, as a file that outlives it.
type console struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	acting  bool // somebody writes to the volume
	resting bool // nobody may begin to
}

func (c *console) write(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, err := os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write to the console: %w", err)
	}
	defer f.Close()
	if _, err := io.WriteString(f, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		return fmt.Errorf("cannot write to the console: %w", err)
	}
	return nil
}

// say writes a line as the launch agents do, with the time before it.
func (c *console) say(format string, args ...any) error {
	return c.write(c.now().UTC().Format("2006/01/02 15:04:05Z: ") + fmt.Sprintf(format, args...) + "\n")
}

// during notes that somebody is at work on the volume while f runs.
func (c *console) during(f func() error) error {
	if !c.begin() {
		return nil
	}
	defer c.end()
	return f()
}

func (c *console) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acting = !c.resting
	return c.acting
}

func (c *console) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acting = false
}

// rest keeps everybody from beginning, and tells whether somebody is still at work.
func (c *console) rest() (busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resting = true
	return c.acting
}

// tail is the end of a console's file, what EC2 keeps of it.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	most := int64(rules.LimitOf("ec2.console.size"))
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd) // else it shows the beginning
	}
	text, _ := io.ReadAll(io.LimitReader(f, most)) // what was read is shown
	return string(text)
}
