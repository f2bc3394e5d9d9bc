package pam

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// operations are pamtester's names of the phases.
var operations = map[phase]string{phaseAccount: "acct_mgmt", phaseSession: "open_session"}

// TestDispatchAgreesWithLibpam runs generated stacks through the real libpam
// and compares the very code with which they end.
func TestDispatchAgreesWithLibpam(t *testing.T) {
	const stacks = 400
	rnd := rand.New(rand.NewPCG(20, 26))
	files := map[string]string{"etc/pam.d/other": "account required pam_deny.so\nsession required pam_deny.so\n"}
	var services []string
	for c := code(1); c < numCodes-1; c++ { // to learn the text of each code
		name := fmt.Sprintf("learn-%d", c)
		files["etc/pam.d/"+name] = fmt.Sprintf("account required pam_debug.so acct=%s\n", codeNames[c])
	}
	for i := range stacks {
		name := fmt.Sprintf("svc-%d", i)
		services = append(services, name)
		generate(rnd, files, name, 0)
	}
	tr := realTree(t, files)
	texts := learn(tr.inside(t, testerScript(`learn-*`, "acct_mgmt")))
	env := tr.env(t, "admin")
	for ph, op := range operations {
		codes := map[string]int{}
		real := lastLines(tr.inside(t, testerScript(`svc-*`, op)))
		for _, name := range services {
			st := load(tr.v, name, ph)
			want := set(abort)
			if st.fatal == nil {
				env.Service = name
				r := run{v: tr.v, env: env, phase: ph, stack: st.active()}
				r.outcomes = make([]*outcome, len(r.stack))
				want = simulate(r.stack, r.codes)
			}
			got, known := texts[real[name]]
			if strings.HasSuffix(real[name], "done.") || strings.HasSuffix(real[name], "opened a session") {
				got, known = success, true
			}
			if strings.HasSuffix(real[name], "Initialization failure") { // of pam_start, when libpam gave up
				got, known = abort, true
			}
			codes[codeNames[got]]++
			if !known || want != set(got) {
				t.Errorf("%s %s: libpam says %q, we say %s\n%s", op, name, real[name], names(want), files["etc/pam.d/"+name])
			}
		}
		t.Logf("%s: %d stacks, libpam's answers %v", op, len(services), codes)
	}
}

func names(s codeSet) string {
	var out []string
	s.each(func(c code) { out = append(out, codeNames[c]) })
	return strings.Join(out, ",")
}

func testerScript(pattern, operation string) string {
	return fmt.Sprintf(`cd /etc/pam.d && for s in %s; do case $s in *.inc*) continue;; esac; echo "@ $s"; pamtester $s admin %s 2>&1 </dev/null || true; done`, pattern, operation)
}

// lastLines is what pamtester itself says of each service.
func lastLines(out string) map[string]string {
	last := map[string]string{}
	service := ""
	for l := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		if name, ok := strings.CutPrefix(l, "@ "); ok {
			service = name
			continue
		}
		if strings.HasPrefix(l, "pamtester: ") {
			last[service] = l
		}
	}
	return last
}

// learn maps the text of each code to it. A lone ignore ends as perm_denied.
func learn(out string) map[string]code {
	texts := map[string]code{"pamtester: The return value should be ignored by PAM dispatch": ignore}
	for service, text := range lastLines(out) {
		var c code
		if _, err := fmt.Sscanf(service, "learn-%d", &c); err == nil && c != ignore {
			texts[text] = c
		}
	}
	return texts
}

// generate writes a service file, and the files that it includes.
func generate(rnd *rand.Rand, files map[string]string, name string, depth int) {
	var out strings.Builder
	includes := 0
	for range 1 + rnd.IntN(7) {
		typ := []string{"account", "session"}[rnd.IntN(2)]
		if rnd.IntN(12) == 0 {
			typ = []string{"-account", "Session", "auth", "acount", "# account", "-session"}[rnd.IntN(6)]
		}
		if rnd.IntN(5) == 0 && depth < 3 {
			includes++
			sub := fmt.Sprintf("%s.inc%d", name, includes)
			generate(rnd, files, sub, depth+1)
			if rnd.IntN(15) == 0 {
				sub = "does-not-exist"
			}
			switch rnd.IntN(4) {
			case 0:
				if sub != "does-not-exist" || rnd.IntN(3) == 0 {
					fmt.Fprintf(&out, "@include %s\n", sub)
				}
			case 1:
				fmt.Fprintf(&out, "%s include %s\n", typ, sub)
			default:
				fmt.Fprintf(&out, "%s\tsubstack\t%s\n", typ, sub)
			}
			continue
		}
		eol := []string{"\n", "\n", "\n", "   # [comment\n", " \\\n  \n   debug\n"}[rnd.IntN(5)]
		fmt.Fprintf(&out, "%s %s %s%s", typ, generateControl(rnd), generateModule(rnd), eol)
	}
	if rnd.IntN(40) == 0 {
		out.WriteString("account required \\\n")
	}
	if rnd.IntN(30) == 0 {
		out.WriteString("account\nsession required\n account  [ ]\n")
	}
	files["etc/pam.d/"+name] = out.String()
}

func generateControl(rnd *rand.Rand) string {
	if rnd.IntN(2) == 0 {
		return []string{"required", "requisite", "sufficient", "optional", "REQUIRED"}[rnd.IntN(5)]
	}
	var parts []string
	for range rnd.IntN(4) {
		parts = append(parts, someCode(rnd)+[]string{"=", " = "}[rnd.IntN(2)]+someAction(rnd))
	}
	if rnd.IntN(2) == 0 {
		parts = append(parts, "default="+someAction(rnd))
	}
	if rnd.IntN(30) == 0 {
		parts = append(parts, []string{"bogus=ok", "success", "success=", "success=0", "ignore=none"}[rnd.IntN(5)])
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func someAction(rnd *rand.Rand) string {
	return []string{"ok", "ok", "ok", "done", "bad", "die", "ignore", "reset", "1", "1", "2", "3"}[rnd.IntN(12)]
}

func someCode(rnd *rand.Rand) string {
	if rnd.IntN(3) == 0 {
		return codeNames[rnd.IntN(numCodes-1)]
	}
	return []string{"success", "ignore", "auth_err", "user_unknown", "new_authtok_reqd", "perm_denied"}[rnd.IntN(6)]
}

func generateModule(rnd *rand.Rand) string {
	switch rnd.IntN(8) {
	case 0, 1, 2:
		return "pam_permit.so"
	case 3:
		return "pam_deny.so"
	case 4:
		return []string{"pam_is_not_there.so", "/usr/lib/nowhere/pam_permit.so", "pam_warn.so", "[pam_permit.so]", "pam_cap.so", "pam_permit.so [a b\\] c]"}[rnd.IntN(6)]
	}
	return fmt.Sprintf("pam_debug.so acct=%s open_session=%s", someCode(rnd), someCode(rnd))
}
