package linuxroot

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// CloudConfig is what cloud-init was told, as far as it decides who logs in and
// what it does to keys at the next start.
type CloudConfig struct {
	Present        bool     // cloud-init's configuration is there
	Disabled       string   // why cloud-init does not run at all; empty: it runs
	DefaultUser    string   // the user who gets the instance's key; empty: none does
	SystemUser     string   // system_info.default_user.name, whoever is in users:
	Users          []string // everyone that users: creates, the default user by name
	DisableRoot    bool     // root's file gets the forced command
	DeleteHostKeys bool     // on a new instance id, host keys are made anew
	AuthorizedKeys []string // ssh_authorized_keys:, of the default user
	InstanceID     string   // of the last start
	KeysDone       bool     // cc_ssh has run for InstanceID: it will not touch keys again on it
	Sources        []string // files read, strongest first
}

const (
	cloudFile   = "/etc/cloud/cloud.cfg"
	cloudDir    = "/var/lib/cloud"
	maxCloudCfg = 256 // files of a conf.d directory
)

// ReadCloudConfig reads cloud-init's configuration and merges it as cloud-init
// does (helpers.py ConfigMerger, util.py read_conf_with_confd): instance data
// first, then conf.d files from the last name to the first, then cloud.cfg. The
// default user's name comes from the image's own files only (stages.py Init.distro).
func ReadCloudConfig(v *offline.Volume) (CloudConfig, []Problem) {
	r := cloudReader{v: v}
	base := r.base()
	instance := r.instance()
	c := CloudConfig{Present: exists(v, cloudFile) || isDir(v, cloudFile+".d"), Sources: r.sources}
	merged := mergeConfigs(append(instance, base)...)
	c.fill(merged, base)
	c.Disabled = cloudDisabled(v)
	c.instanceState(v)
	return c, r.problems
}

// cloudDisabled looks for the switches of cloud-init's generator (ds-identify).
func cloudDisabled(v *offline.Volume) string {
	const marker = "/etc/cloud/cloud-init.disabled"
	if exists(v, marker) {
		return marker + " exists"
	}
	for _, unit := range []string{"cloud-init.service", "cloud-init-main.service"} {
		if target, err := v.Readlink(path.Join(unitDir, unit)); err == nil && target == "/dev/null" {
			return unit + " is masked"
		}
	}
	return ""
}

// instanceState reads what cloud-init remembers of the last start.
func (c *CloudConfig) instanceState(v *offline.Volume) {
	data, err := v.ReadFile(cloudDir+"/data/instance-id", 4096)
	if err != nil {
		return // never started, or cleaned for a template: cloud-init will act
	}
	c.InstanceID = strings.TrimSpace(string(data))
	// The name becomes one component: an id with a slash is no id.
	if c.InstanceID != "" && !strings.Contains(c.InstanceID, "/") && c.InstanceID != ".." {
		c.KeysDone = exists(v, path.Join(cloudDir, "instances", c.InstanceID, "sem/config_ssh"))
	}
}

// TouchesKeys says what cloud-init does to keys when the volume starts at the
// instance; empty when it leaves them alone.
func (c CloudConfig) TouchesKeys(instance string) string {
	switch {
	case !c.Present || c.Disabled != "":
		return ""
	case c.KeysDone && instance != "" && instance == c.InstanceID:
		return ""
	case c.InstanceID == "":
		return "cloud-init will treat the next start as the first: it adds the instance's key" + c.hostKeys()
	case instance == "":
		return fmt.Sprintf("cloud-init last ran as %q; on another instance it adds that instance's key%s", c.InstanceID, c.hostKeys())
	case instance == c.InstanceID:
		return "cloud-init has not finished its key module on this instance: it adds the instance's key" + c.hostKeys()
	}
	return fmt.Sprintf("cloud-init last ran as %q: at %q it adds the instance's key%s", c.InstanceID, instance, c.hostKeys())
}

func (c CloudConfig) hostKeys() string {
	if c.DeleteHostKeys {
		return " and makes new host keys; lines that it does not know stay"
	}
	return "; lines that it does not know stay"
}

type cloudReader struct {
	v        *offline.Volume
	sources  []string
	problems []Problem
}

// base is cloud.cfg with its conf.d directory.
func (r *cloudReader) base() map[string]any {
	main := r.config(cloudFile)
	dir := cloudFile + ".d"
	if value, given := main["conf_d"]; given {
		text, ok := value.(string)
		if dir = strings.TrimSpace(text); !ok && value != nil {
			r.problems = append(r.problems, Problem{Path: cloudFile, Text: "conf_d is not a string: cloud-init stops here"})
		}
	}
	var sources []map[string]any
	if dir != "" {
		names, _ := r.v.ReadDir(dir) // optional
		names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".cfg") })
		slices.Reverse(names)
		for _, name := range names[:min(len(names), maxCloudCfg)] {
			sources = append(sources, r.config(path.Join(dir, name)))
		}
	}
	return mergeConfigs(mergeConfigs(sources...), main)
}

// instance is what was given to the instance: user data, then vendor data. The
// processed form counts; raw user data only as long as there is none.
func (r *cloudReader) instance() []map[string]any {
	dir := cloudDir + "/instance/"
	var out []map[string]any
	if exists(r.v, dir+"cloud-config.txt") {
		out = append(out, r.config(dir+"cloud-config.txt"))
	} else if exists(r.v, dir+"user-data.txt") {
		out = append(out, r.config(dir+"user-data.txt"))
	}
	for _, name := range []string{"vendor2-cloud-config.txt", "vendor-cloud-config.txt"} {
		out = append(out, r.config(dir+name))
	}
	return out
}

// config reads one file; what cannot be understood is a problem and counts as empty.
func (r *cloudReader) config(name string) map[string]any {
	info, err := r.v.Stat(name)
	if err != nil || info.Kind != offline.Regular {
		return nil
	}
	data, err := r.v.ReadFile(name, offline.MaxConfig)
	if err == nil {
		if why := notCloudConfig(data, name); why != "" {
			r.problems = append(r.problems, Problem{Path: name, Text: why})
			return nil
		}
		var values map[string]any
		if values, err = parseYAML(data); err == nil {
			r.sources = append(r.sources, name)
			return values
		}
	}
	r.problems = append(r.problems, Problem{Path: name, Text: fmt.Sprintf("not understood, and left out: %q", err.Error())})
	return nil
}

// notCloudConfig says why a file is data and no configuration for us.
func notCloudConfig(data []byte, name string) string {
	first, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	switch {
	case bytes.HasPrefix(first, []byte("## template:")):
		return "a template, which only cloud-init can fill in: left out"
	case bytes.HasPrefix(first, []byte("#!")):
		return "a script: left out"
	case path.Base(name) == "user-data.txt" && !bytes.HasPrefix(first, []byte("#cloud-config")) && len(first) > 0:
		return "user data that is not a plain #cloud-config: left out"
	}
	return ""
}

// fill takes the values out of the merged configuration.
func (c *CloudConfig) fill(merged, base map[string]any) {
	system, _ := base["system_info"].(map[string]any)
	user, _ := system["default_user"].(map[string]any)
	c.SystemUser, _ = user["name"].(string)
	c.DefaultUser, c.Users = cloudUsers(merged, c.SystemUser)
	c.DisableRoot = option(merged, "disable_root", true)
	c.DeleteHostKeys = option(merged, "ssh_deletekeys", true)
	c.AuthorizedKeys = texts(merged["ssh_authorized_keys"])
}

// option reads a boolean as util.get_cfg_option_bool does: the words true, 1,
// on and yes are true, everything else is false.
func option(values map[string]any, name string, fallback bool) bool {
	value, given := values[name]
	if !given {
		return fallback
	}
	return isTrue(value)
}

func isTrue(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case nil:
		return false
	default:
		return slices.Contains([]string{"true", "1", "on", "yes"}, strings.ToLower(strings.TrimSpace(fmt.Sprint(value))))
	}
}

// cloudUsers reads user: and users: as ug_util.py normalize_users_groups does.
// The default user is the one that the word default in users: stands for.
func cloudUsers(merged map[string]any, system string) (string, []string) {
	older := ""
	switch user := merged["user"].(type) {
	case string:
		older = user
	case map[string]any:
		if older, _ = user["name"].(string); older == "" && len(user) > 0 {
			older = system
		}
	}
	names := userNames(merged["users"])
	if older != "" && !slices.Contains(names, "default") {
		names = append(names, "default")
	}
	defaultUser := ""
	if slices.Contains(names, "default") {
		defaultUser = cmp.Or(older, system)
	}
	var out []string
	for _, name := range names {
		if name == "default" {
			name = defaultUser
		}
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return defaultUser, out
}

// userNames lists users: in its three forms: words with commas, a list of words
// and mappings, a mapping by name. A mapping without a name means default.
func userNames(value any) []string {
	var out []string
	switch value := value.(type) {
	case string:
		out = splitWords(value)
	case map[string]any:
		for name, how := range value {
			if _, details := how.(map[string]any); details || isTrue(how) {
				out = append(out, name)
			}
		}
		slices.Sort(out)
	case []any:
		for _, item := range value {
			switch item := item.(type) {
			case string:
				out = append(out, splitWords(item)...)
			case []any:
				out = append(out, texts(item)...)
			case map[string]any:
				name, ok := item["name"].(string)
				if !ok {
					name = "default"
				}
				out = append(out, name)
			}
		}
	}
	return out
}

func splitWords(s string) []string {
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(s), ","), func(w string) bool { return w == "" })
}
