package newpassword_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/winroot/gpo"
	"github.com/seed-77750964/regain/offline/winroot/gpo/newpassword"
)

func install(t *testing.T, before gpo.Policy) newpassword.Installation {
	t.Helper()
	in, err := newpassword.Install(run, &sharedKey(t).PublicKey, before)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestInstall(t *testing.T) {
	in := install(t, gpo.Policy{})
	const dir = "Windows/System32/GroupPolicy/Machine/Scripts/Startup/"
	if in.Files[0].Path != dir+"regain-"+run+".ps1" || in.Files[1].Path != dir+"regain-"+run+".cmd" {
		t.Errorf("the files are %s and %s", in.Files[0].Path, in.Files[1].Path)
	}
	if !bytes.Contains(in.Files[1].Data, []byte(` -File "%~dp0regain-`+run+`.ps1" <nul & (`)) || bytes.Count(in.Files[1].Data, []byte("\n")) != 1 {
		t.Errorf("the starter is %q", in.Files[1].Data)
	}
	for _, name := range []string{".cmd", "gPC"} {
		if !bytes.Contains(append(bytes.ReplaceAll(in.Policy.Scripts, []byte{0}, nil), in.Policy.GPT...), []byte(name)) {
			t.Errorf("the policy does not name %s", name)
		}
	}
	for missing, want := range map[int]string{-1: "0", 0: "0", 3: "3", 9: "4"} {
		script := install(t, gpo.Policy{Missing: missing}).Files[0].Data
		if !bytes.Contains(script, []byte("$made = "+want+";")) {
			t.Errorf("of %d directories that it has made, the script does not remove %s", missing, want)
		}
	}
	if _, err := newpassword.Install(run, &sharedKey(t).PublicKey, in.Policy); !errors.Is(err, newpassword.ErrInstalled) {
		t.Errorf("installed twice: %v", err)
	}
}

// TestStarterTellsOfNoPowerShell: its own block says that nothing was done.
func TestStarterTellsOfNoPowerShell(t *testing.T) {
	starter := string(install(t, gpo.Policy{}).Files[1].Data)
	_, said, _ := strings.Cut(starter, " echo ^")
	said, rest, _ := strings.Cut(said, "^> >COM1) & exit\r\n")
	b, err := newpassword.ParseBlock([]byte(said+"> \r\n"), run)
	if err != nil || b.Status != newpassword.Failed || b.Cause != "starter.PowerShell" || rest != "" {
		t.Errorf("%+v, %v of %q", b, err, starter)
	}
}

// TestScriptCarriesPolicy reads out of the script what it will put back.
func TestScriptCarriesPolicy(t *testing.T) {
	carried := regexp.MustCompile(`Restore-File \(Join-Path \$policy '([^']*)'\) '([^']*)' '([^']*)'`)
	for name, before := range map[string]gpo.Policy{
		"none":  {},
		"both":  {GPT: []byte("[General]\r\nVersion=1\r\n"), Scripts: []byte("[Startup]\r\n0CmdLine='; Remove-Item x\r\n")},
		"large": {Scripts: []byte("[Startup]\r\n;" + strings.Repeat("x", 60000))},
	} {
		in := install(t, before)
		found := carried.FindAllSubmatch(in.Files[0].Data, -1)
		if len(found) != 2 {
			t.Fatalf("%s: %d files are put back", name, len(found))
		}
		for i, want := range []struct {
			path          string
			before, after []byte
		}{{`Machine\Scripts\scripts.ini`, before.Scripts, in.Policy.Scripts}, {"gpt.ini", before.GPT, in.Policy.GPT}} {
			got := [][]byte{found[i][1], decode(t, found[i][2]), decode(t, found[i][3])}
			if string(got[0]) != want.path || !bytes.Equal(got[1], want.before) || !bytes.Equal(got[2], want.after) {
				t.Errorf("%s: the script would put back %q", name, got)
			}
		}
	}
}

func decode(t *testing.T, s []byte) []byte {
	t.Helper()
	if string(s) == "none" {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(string(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInstallRefuses(t *testing.T) {
	key := &sharedKey(t).PublicKey
	for _, run := range []string{"", "-a", "a b", "a'b", "a\n", "a@b", "ä", strings.Repeat("a", 65), "$x", "a`b"} {
		if _, err := newpassword.Install(run, key, gpo.Policy{}); err == nil {
			t.Errorf("the run %q was taken", run)
		}
	}
	odd := func(bits uint) *big.Int {
		return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1))
	}
	for name, key := range map[string]*rsa.PublicKey{
		"none": nil, "empty": {}, "1024 bits": {N: odd(1024), E: 65537}, "8192 bits": {N: odd(8192), E: 65537},
		"2049 bits": {N: odd(2049), E: 65537}, "exponent 1": {N: odd(2048), E: 1}, "even exponent": {N: odd(2048), E: 4},
		"negative exponent": {N: odd(2048), E: -3},
	} {
		if _, err := newpassword.Install(run, key, gpo.Policy{}); err == nil {
			t.Errorf("the key %q was taken", name)
		}
	}
	if _, err := newpassword.Install(run, key, gpo.Policy{GPT: []byte("[General]\nVersion=x\n")}); err == nil {
		t.Error("a broken gpt.ini was taken")
	}
}

// forbidden is what would show the password, what PowerShell 2.0 does not know, and what runs text as code.
var forbidden = regexp.MustCompile(`(?i)\bnet1?(\.exe)?\s+user|Start-Transcript|Write-(Host|Output|Verbose|Debug|Warning|Error|EventLog)|Out-File|Set-Content|` +
	`Invoke-Expression|\biex\b|Invoke-Command|EncodedCommand|Add-Type|Start-Process|ConvertTo-SecureString|ConvertTo-Json|Get-CimInstance|` +
	`::new\(|-sh[lr]\b|\[ordered\]|\s-(not)?in\s|\?\?|&&|\|\||Get-LocalUser|Set-LocalUser`)

func TestScriptIsPlain(t *testing.T) {
	script := string(install(t, gpo.Policy{}).Files[0].Data)
	if found := forbidden.FindString(script); found != "" {
		t.Errorf("the script has %q", found)
	}
	if strings.Count(script, "\n") != strings.Count(script, "\r\n") || strings.IndexFunc(script, func(r rune) bool { return r > '~' }) >= 0 {
		t.Error("the script is not ASCII with Windows' line ends")
	}
	if left := regexp.MustCompile(`@[A-Z_]+@`).FindString(script); left != "" {
		t.Errorf("%s was not filled in", left)
	}
}

// TestPasswordMeetsNoCmdlet wants each line that touches the password, or what it is made from, to be one of these.
func TestPasswordMeetsNoCmdlet(t *testing.T) {
	allowed := []string{
		"$password = $null",
		"while ($password -eq $null) {",
		"$chars = New-Object char[] 28",
		"while ($i -lt $chars.Length) {",
		"$chars[$i] = $alphabet[$byte[0] % $alphabet.Length]",
		"$password = -join $chars",
		"if ($password -ne $null -and $password.IndexOfAny($class.ToCharArray()) -lt 0) { $password = $null }",
		"$plain = [Text.Encoding]::UTF8.GetBytes($run + [char]0 + $name + [char]0 + $password)",
		"$sealed = [Convert]::ToBase64String($rsa.Encrypt($plain, $true))",
		"[Array]::Clear($plain, 0, $plain.Length)",
		"[void]$account.psbase.Invoke('SetPassword', $password)",
	}
	secret := regexp.MustCompile(`(?i)\$(script:|global:)?(password|chars|plain)\b`)
	seen := map[string]bool{}
	for line := range strings.Lines(string(install(t, gpo.Policy{}).Files[0].Data)) {
		line = strings.TrimSpace(line)
		if secret.MatchString(line) && !slices.Contains(allowed, line) {
			t.Errorf("the password is touched by %s", line)
		}
		seen[line] = true
	}
	for _, line := range allowed {
		if !seen[line] {
			t.Errorf("the script has no more %s", line)
		}
	}
}

// TestPasswordIsNeverLost holds the script to the order in which a cut at any place leaves somebody who can read the
// password that counts: the block durable before the password is set, nothing after that which fails, what is told before
// anything goes, and what makes another password before what says that there is one.
func TestPasswordIsNeverLost(t *testing.T) {
	script := string(install(t, gpo.Policy{}).Files[0].Data)
	at := 0
	for _, step := range []string{
		"$rsa.Encrypt($plain, $true)", "'.sealed')", "Write-Durably $file", "Invoke('SetPassword', $password)", "try {", "UserFlags", "return Format-Block $status $sealed",
		"[IO.FileOptions]::WriteThrough", `Write-Durably "$done.new"`, `[IO.File]::Move("$done.new", $done)`, "Save-Copy $block", "Send-Block $block",
		"if (-not $told) { exit }", `Restore-File (Join-Path $policy 'Machine\Scripts\scripts.ini')`, "'gpt.ini'", "'cmd', 'ps1'", "':failed:'", `GetFiles($here, "regain-$run.*")`, "[IO.Directory]::Delete($here)",
	} {
		next := strings.Index(script[at:], step)
		if next < 0 {
			t.Fatalf("%s does not come behind what must be before it", step)
		}
		at += next + len(step)
	}
	_, risky, _ := strings.Cut(script, "Invoke('SetPassword', $password)")
	risky, _, _ = strings.Cut(risky, "try {")
	if calls := strings.Count(risky, "("); calls != strings.Count("# Neither disabled (2) nor locked out (16).", "(") {
		t.Errorf("after the password was set, and not guarded: %s", risky)
	}
	if n := strings.Count(script, "$script:told = $true"); n != 2 || strings.Count(script, "$told = $false") != 1 {
		t.Errorf("%d places tell", n)
	}
}

// TestScriptSpeaksTheFormat compares the names on both sides, since no Windows is here to run the script.
func TestScriptSpeaksTheFormat(t *testing.T) {
	script := string(install(t, gpo.Policy{}).Files[0].Data)
	for _, status := range []newpassword.Status{newpassword.Sealed, newpassword.Disabled, newpassword.DomainController, newpassword.Failed} {
		if !strings.Contains(script, "'"+string(status)+"'") {
			t.Errorf("the script never says %s", status)
		}
	}
	const head = `"regain1:${run}:${attempt}:${status}:${n}:${count}:${part}:"`
	if !strings.Contains(script, head) || !strings.Contains(script, "$size = 48") {
		t.Error("the script writes lines of another form")
	}
	program, err := os.ReadFile("testdata/seal.cs")
	if err != nil || !bytes.Contains(program, []byte(`"regain1:" + run + ":" + attempt + ":sealed:" + n + ":" + count + ":" + part + ":"`)) {
		t.Errorf("the program that stands in for it writes lines of another form: %v", err)
	}
}

// TestPasswordIsStrong reads the alphabet out of the script: 28 characters of it are 128 bits at least, and any policy of
// Windows that asks for classes gets four.
func TestPasswordIsStrong(t *testing.T) {
	script := string(install(t, gpo.Policy{}).Files[0].Data)
	line := regexp.MustCompile(`\$classes = (.*)\r`).FindStringSubmatch(script)
	classes := regexp.MustCompile(`'([^']+)'`).FindAllStringSubmatch(line[1], -1)
	alphabet := ""
	for i, want := range []string{`^[A-Z]+$`, `^[a-z]+$`, `^[0-9]+$`, `^[!-/:-@\[-_]+$`} {
		if i >= len(classes) || !regexp.MustCompile(want).MatchString(classes[i][1]) {
			t.Fatalf("class %d is not %s: %s", i, want, line[1])
		}
		alphabet += classes[i][1]
	}
	for i, c := range alphabet {
		if strings.ContainsRune(alphabet[i+1:], c) {
			t.Errorf("%q is there twice", c)
		}
	}
	if bits := 28 * math.Log2(float64(len(alphabet))); bits < 128 || len(alphabet) > 256 {
		t.Errorf("an alphabet of %d makes %v bits", len(alphabet), bits)
	}
}

// TestScriptBalances finds a bracket or quote that an edit has left open, since nothing here parses PowerShell.
func TestScriptBalances(t *testing.T) {
	script := string(install(t, gpo.Policy{}).Files[0].Data)
	script = regexp.MustCompile(`(?m)^\s*#.*$`).ReplaceAllString(script, "")
	script = regexp.MustCompile("'[^'\r\n]*'|\"(`.|[^\"`\r\n])*\"").ReplaceAllString(script, "")
	if at := strings.IndexAny(script, `'"`); at >= 0 {
		t.Errorf("a quote stays open at %q", script[at:min(len(script), at+40)])
	}
	var open []rune
	for _, c := range script {
		switch at := strings.IndexRune(")]}", c); {
		case strings.ContainsRune("([{", c):
			open = append(open, c)
		case at >= 0 && (len(open) == 0 || open[len(open)-1] != rune("([{"[at])):
			t.Fatalf("a %q closes nothing", c)
		case at >= 0:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%q stays open", string(open))
	}
}

func TestKnows(t *testing.T) {
	key, other := sharedKey(t), newKey(t, 2048)
	for name, before := range map[string]gpo.Policy{
		"no policy": {Missing: 3},
		"others'":   {GPT: []byte("[General]\r\nVersion=7\r\n"), Scripts: []byte("[Startup]\r\n0CmdLine=a.cmd\r\n0Parameters=\r\n")},
	} {
		made, err := newpassword.Install("20261122-abc", &key.PublicKey, before)
		if err != nil {
			t.Fatal(err)
		}
		script, cmd := made.Files[0].Data, made.Files[1].Data
		if !newpassword.Knows("20261122-abc", &key.PublicKey, cmd, script) {
			t.Errorf("%s: its own script is not known", name)
		}
		for what, known := range map[string]bool{
			"another run":      newpassword.Knows("20261122-abd", &key.PublicKey, cmd, script),
			"another key":      newpassword.Knows("20261122-abc", &other.PublicKey, cmd, script),
			"no key":           newpassword.Knows("20261122-abc", nil, cmd, script),
			"a line more":      newpassword.Knows("20261122-abc", &key.PublicKey, cmd, append(bytes.Clone(script), "\r\nnet user x y\r\n"...)),
			"another starter":  newpassword.Knows("20261122-abc", &key.PublicKey, append(bytes.Clone(cmd), 'x'), script),
			"a value let out":  newpassword.Knows("20261122-abc", &key.PublicKey, cmd, bytes.Replace(script, []byte("foreach ($end in"), []byte("foreach($end in"), 1)),
			"code in a value":  newpassword.Knows("20261122-abc", &key.PublicKey, cmd, bytes.Replace(script, []byte(`'gpt.ini') '`), []byte(`'gpt.ini') ';calc'`), 1)),
			"a script cut off": newpassword.Knows("20261122-abc", &key.PublicKey, cmd, script[:len(script)/2]),
			"code in a number": newpassword.Knows("20261122-abc", &key.PublicKey, cmd, bytes.Replace(script, []byte("$made = "), []byte("$made = calc"), 1)),
			"no script":        newpassword.Knows("20261122-abc", &key.PublicKey, cmd, nil),
		} {
			if known {
				t.Errorf("%s: %s is taken for its script", name, what)
			}
		}
	}
}
