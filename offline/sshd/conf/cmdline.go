package conf

import (
	"fmt"
	"strings"
)

// sshdFlags are getopt's letters of sshd (sshd: sshd.c main).
const (
	flagsWithValue = "CEbcfghkopu"
	flagsAlone     = "46DGQRTdeiqrtV"
)

// takeArguments reads sshd's own arguments into the invocation.
func (i *Invocation) takeArguments(words []execWord) {
	for n := 0; n < len(words); n++ {
		w := words[n]
		if w.text == "--" || !strings.HasPrefix(w.text, "-") || w.text == "-" {
			if w.text != "--" || n+1 < len(words) {
				i.fault(w, fmt.Sprintf("sshd refuses the extra argument %q", w.text))
			}
			return
		}
		for letters := w.text[1:]; letters != ""; {
			letter := letters[0]
			letters = letters[1:]
			switch {
			case strings.IndexByte(flagsAlone, letter) >= 0:
				i.takeFlag(letter, w)
				continue
			case strings.IndexByte(flagsWithValue, letter) < 0:
				i.fault(w, fmt.Sprintf("sshd does not know the flag -%c", letter))
				return
			}
			if letters == "" {
				if n++; n == len(words) {
					i.fault(w, fmt.Sprintf("the value of -%c is missing", letter))
					return
				}
				w, letters = words[n], words[n].text
			}
			w.text = letters
			i.takeValue(letter, w)
			break
		}
	}
}

func (i *Invocation) takeFlag(letter byte, w execWord) {
	switch letter {
	case '4':
		i.setting("AddressFamily=inet", w)
	case '6':
		i.setting("AddressFamily=inet6", w)
	case 'q':
		i.setting("LogLevel=QUIET", w)
	case 'i':
		i.Inetd = true
	case 't', 'T', 'G', 'V':
		i.fault(w, fmt.Sprintf("with -%c sshd only checks and ends", letter))
	}
}

func (i *Invocation) takeValue(letter byte, w execWord) {
	switch letter {
	case 'f':
		i.File = w.text
	case 'p':
		i.Ports = append(i.Ports, w.text)
	case 'h':
		i.HostKeys = append(i.HostKeys, w.text)
	case 'c':
		i.setting("HostCertificate="+w.text, w)
	case 'g':
		i.setting("LoginGraceTime="+w.text, w)
	case 'o':
		i.setting(w.text, w)
	}
}

func (i *Invocation) setting(text string, w execWord) {
	i.CommandLine = append(i.CommandLine, Setting{Text: text, Path: w.path, Line: w.line, Origin: w.origin})
}

func (i *Invocation) fault(w execWord, text string) {
	i.Problems = append(i.Problems, Problem{Path: w.path, Line: w.line, Text: text, Fatal: true})
}
