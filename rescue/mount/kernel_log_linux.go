package mount

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of what is taken from the kernel's log.
const (
	maxRecord   = 8192 // the kernel's CONSOLE_EXT_LOG_MAX
	maxRecords  = 1000
	maxMessages = 8
)

// contextMessages drains the log of a filesystem context (fsopen(2)): one
// message a read, each with its severity in front.
func contextMessages(fsfd int) (out []string) {
	buf := make([]byte, maxRecord)
	for range maxMessages {
		n, err := unix.Read(fsfd, buf)
		if err != nil || n <= 0 {
			return out
		}
		text := strings.TrimSpace(string(buf[:n]))
		if len(text) > 2 && text[1] == ' ' {
			text = text[2:]
		}
		out = append(out, text)
	}
	return out
}

// kernelLog follows /dev/kmsg for the messages about one device, because most
// drivers explain a refusal there and not in the context's log. Without access
// to it errors are merely less well explained.
type kernelLog struct {
	fd    int
	about *regexp.Regexp
}

func openKernelLog(device string) *kernelLog {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &kernelLog{fd: -1}
	}
	if _, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil {
		unix.Close(fd)
		return &kernelLog{fd: -1}
	}
	return &kernelLog{fd, regexp.MustCompile(`\((device )?` + regexp.QuoteMeta(device) + `[) ]`)}
}

func (l *kernelLog) close() {
	if l.fd >= 0 {
		unix.Close(l.fd)
	}
}

// messages are the warnings about the device since the log was opened.
func (l *kernelLog) messages() (out []string) {
	buf := make([]byte, maxRecord)
	for i := 0; l.fd >= 0 && i < maxRecords && len(out) < maxMessages; i++ {
		n, err := unix.Read(l.fd, buf)
		if errors.Is(err, unix.EPIPE) { // records were overwritten before we read them
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		if text, ok := l.record(string(buf[:n])); ok {
			out = append(out, text)
		}
	}
	return out
}

// record takes "priority,sequence,time,flags;text" (Documentation/ABI/testing/dev-kmsg).
// Below warning only what speaks of recovery is of interest.
func (l *kernelLog) record(line string) (string, bool) {
	head, text, _ := strings.Cut(line, ";")
	text, _, _ = strings.Cut(text, "\n")
	field, _, _ := strings.Cut(head, ",")
	priority, err := strconv.Atoi(field)
	if err != nil || !l.about.MatchString(text) {
		return "", false
	}
	const severity, warning = 7, 4
	return text, priority&severity <= warning || strings.Contains(text, "recovery")
}

// Supported tells whether the helper's kernel has the filesystem. Asking lets
// the kernel load its module, as mounting would.
func Supported(fstype string) bool {
	fd, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err == nil {
		unix.Close(fd)
		return true
	}
	known, err := os.ReadFile("/proc/filesystems")
	return err == nil && listed(string(known), fstype)
}

func listed(filesystems, fstype string) bool {
	for line := range strings.Lines(filesystems) {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[len(fields)-1] == fstype {
			return true
		}
	}
	return false
}
