package ec2

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// metadata serves an instance its metadata (IMDSv2): a token first, then what the
// instance may know of itself.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
func (e *EC2) metadata(id string) http.Handler {
	return &metadata{ec2: e, id: id, tokens: map[string]time.Time{}}
}

type metadata struct {
	ec2 *EC2
	id  string

	mu     sync.Mutex
	tokens map[string]time.Time // until when they are good
}

const (
	ttlHeader   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	longestTTL  = 6 * 3600
)

func (m *metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var i instance
	var tags map[string]string
	_ = m.ec2.look(func(a *account, _ time.Time) error {
		if have := a.Instances[m.id]; have != nil {
			i, tags = *have, maps.Clone(a.Tags[m.id])
		}
		return nil
	})
	switch {
	case i.ID == "" || i.Metadata.Endpoint == "disabled":
		http.Error(w, "forbidden", http.StatusForbidden)
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		m.giveToken(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case !m.allows(r, i.Metadata.Tokens == "required"):
		http.Error(w, "unauthorized", http.StatusUnauthorized)
	default:
		text, ok := m.content(&i, tags, strings.Trim(r.URL.Path, "/"))
		if !ok {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, text)
	}
}

func (m *metadata) giveToken(w http.ResponseWriter, r *http.Request) {
	ttl, err := strconv.Atoi(r.Header.Get(ttlHeader))
	switch {
	case r.Header.Get("X-Forwarded-For") != "":
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	case err != nil || ttl < 1 || ttl > longestTTL:
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	token := m.ec2.newID("AQAEAL") + m.ec2.newID("")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[token] = m.ec2.Now().Add(time.Duration(ttl) * time.Second)
	w.Header().Set(ttlHeader, strconv.Itoa(ttl))
	_, _ = io.WriteString(w, token)
}

// allows: a token that is good, or none where none is required (IMDSv1).
func (m *metadata) allows(r *http.Request, required bool) bool {
	token := r.Header.Get(tokenHeader)
	if token == "" {
		return !required
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ec2.Now().Before(m.tokens[token])
}

// content is what stands at a path, without its outer slashes. A path that ends in
// the middle lists what is below.
func (m *metadata) content(i *instance, tags map[string]string, path string) (string, bool) {
	switch path {
	case "latest/user-data":
		text, _ := base64.StdEncoding.DecodeString(i.UserData)
		return string(text), len(text) > 0
	case "latest/dynamic/instance-identity/document":
		return m.document(i), true
	}
	if path == "latest/meta-data/public-keys" && i.PublicKey != "" {
		return "0=" + i.KeyName, true
	}
	rest, ok := strings.CutPrefix(path+"/", "latest/meta-data/")
	if !ok {
		return "", false
	}
	if rest = strings.TrimSuffix(rest, "/"); rest == "iam/security-credentials/"+i.Role && i.Role != "" {
		return m.credentials(i.Role)
	}
	leaves := m.leaves(i, tags)
	if text, ok := leaves[rest]; ok {
		return text, true
	}
	return below(leaves, rest)
}

// below lists the names under a path, those with more below them with a slash.
func below(leaves map[string]string, path string) (string, bool) {
	if path != "" {
		path += "/"
	}
	names := map[string]string{}
	for leaf := range leaves {
		if rest, ok := strings.CutPrefix(leaf, path); ok {
			name, _, deeper := strings.Cut(rest, "/")
			if deeper {
				name += "/"
			}
			names[name] = ""
		}
	}
	return strings.Join(keys(names), "\n"), len(names) > 0
}

func (m *metadata) leaves(i *instance, tags map[string]string) map[string]string {
	e := m.ec2
	leaves := map[string]string{
		"ami-id":                      i.Image,
		"hostname":                    e.privateName(i),
		"instance-id":                 i.ID,
		"instance-type":               i.Type,
		"local-hostname":              e.privateName(i),
		"local-ipv4":                  i.Private,
		"mac":                         i.MAC,
		"placement/availability-zone": i.Zone,
		"placement/region":            e.Region,
		"reservation-id":              i.Reservation,
		"services/domain":             "amazonaws.com",
		"services/partition":          "aws",
	}
	if i.Role != "" {
		leaves["iam/info"] = encode(map[string]string{
			"Code": "Success", "LastUpdated": stamp(e.Now()), "InstanceProfileArn": i.Profile, "InstanceProfileId": profileID(i.Profile),
		})
		leaves["iam/security-credentials"] = i.Role
	}
	if i.PublicKey != "" {
		leaves["public-keys/0/openssh-key"] = i.PublicKey + " " + i.KeyName
	}
	if i.Metadata.Tags == "enabled" {
		for k, v := range tags {
			leaves["tags/instance/"+k] = v
		}
	}
	return leaves
}

func (m *metadata) credentials(role string) (string, bool) {
	key, secret, token, expires, err := m.ec2.Roles.RoleCredentials(role, m.id)
	if err != nil {
		return "", false
	}
	return encode(map[string]string{
		"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
		"LastUpdated": m.ec2.Now().UTC().Format(time.RFC3339), "Expiration": expires.UTC().Format(time.RFC3339),
	}), true
}

func (m *metadata) document(i *instance) string {
	return encode(map[string]any{
		"accountId": m.ec2.Account, "architecture": i.Arch, "availabilityZone": i.Zone, "imageId": i.Image, "instanceId": i.ID,
		"instanceType": i.Type, "pendingTime": i.Launched.Format(time.RFC3339), "privateIp": i.Private, "region": m.ec2.Region, "version": "2017-09-30",
	})
}

func encode(v any) string {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
