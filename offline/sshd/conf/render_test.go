package conf

import (
	"fmt"
	"slices"
	"strings"
)

// render prints our value as sshd -T prints its own. False: not comparable.
func render(e *Effective, name string) ([]string, bool) {
	if algorithmKeywords[canonical(name)] != nil {
		list, err := e.Algorithms(name)
		return []string{strings.Join(list, ",")}, err == nil
	}
	all := e.All(name)
	if len(all) == 0 {
		return nil, false // no default of ours: paths that are built in
	}
	text := all[0].Text
	switch name {
	case "listenaddress":
		return renderListen(e, all)
	case "port", "hostkey", "hostcertificate", "allowusers", "denyusers", "allowgroups", "denygroups", "acceptenv", "subsystem":
		return texts(all), true
	case "setenv":
		return all[0].Args, true
	case "permitrootlogin":
		text = strings.Replace(text, "prohibit", "without", 1)
	case "loglevel":
		text = strings.NewReplacer("QUIET", "SILENT", "DEBUG1", "DEBUG").Replace(text) // the first of two names
	case "streamlocalbindmask":
		if text == "0" {
			text = "00"
		}
	case "rekeylimit":
		if len(all[0].Args) == 1 {
			text += " 0"
		}
	case "ipqos":
		return []string{text}, all[0].Origin != FromDefault
	case "unusedconnectiontimeout", "versionaddendum":
		if text == "0" || text == "" {
			text = "none"
		}
	case "persourcenetblocksize":
		return []string{text}, strings.Contains(text, ":")
	case "persourcepenalties":
		return renderPenalties(all[0])
	case "permituserenvironment":
		if strings.EqualFold(text, "yes") && text != "yes" || strings.EqualFold(text, "no") && text != "no" {
			return []string{text}, true
		}
	}
	return []string{text}, true
}

func texts(values []Value) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.Text
	}
	return out
}

func renderListen(e *Effective, all []Value) ([]string, bool) {
	var out []string
	for _, v := range all {
		host := v.Args[0]
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if v.Args[1] != "0" {
			out = append(out, host+":"+v.Args[1])
			continue
		}
		for _, p := range e.All("port") {
			out = append(out, host+":"+p.Text)
		}
	}
	return out, true
}

func renderPenalties(v Value) ([]string, bool) {
	defaults := []string{"crash:90", "authfail:5", "noauth:1", "grace-exceeded:10", "refuseconnection:10", "max:600", "min:15", "max-sources4:65536", "max-sources6:65536"}
	if slices.Contains(v.Args, "no") {
		return []string{"no"}, true
	}
	for i, d := range defaults {
		for _, a := range v.Args {
			if sameSwitch(a, d) {
				defaults[i] = a
			}
		}
	}
	return []string{fmt.Sprint(strings.Join(defaults, " "), " overflow:permissive overflow6:permissive")}, !strings.Contains(v.Text, "overflow")
}
