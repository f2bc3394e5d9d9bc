package ssm

import (
	"cmp"
	"strconv"

	"github.com/seed-77750964/regain/lab/wire"
)

// via is how IAM calls Parameter Store when it uses a key for its caller.
func (s *SSM) via() string { return "ssm." + s.cfg.Region + "." + s.cfg.Suffix }

// check is the question about one parameter, with its tags.
func (s *SSM) check(action, name string) wire.Check {
	if _, public := s.cfg.Public[name]; public {
		return wire.Check{Action: "ssm:" + action, Resource: s.publicARN(name)}
	}
	about := map[string][]string{}
	s.parameters.View(func(all *parameters) {
		if of := all.ByName[name]; of != nil {
			addTagContext(about, of.Tags)
		}
	})
	return wire.Check{Action: "ssm:" + action, Resource: s.parameterARN(name), Context: about}
}

func addTagContext(about map[string][]string, tags map[string]string) {
	for key, value := range tags {
		about["aws:ResourceTag/"+key] = []string{value}
		about["ssm:resourceTag/"+key] = []string{value}
	}
}

func addRequestTags(about map[string][]string, tags []tag) {
	for _, t := range tags {
		about["aws:RequestTag/"+t.Key] = []string{t.Value}
		about["aws:TagKeys"] = append(about["aws:TagKeys"], t.Key)
	}
}

func (s *SSM) checkName(p nameOnly) ([]wire.Check, error) {
	return []wire.Check{s.check("DeleteParameter", s.parseSelection(p.Name).name)}, nil
}

func (s *SSM) checkNames(p namesOnly) ([]wire.Check, error) {
	var checks []wire.Check
	for _, name := range p.Names {
		checks = append(checks, s.check("DeleteParameters", s.parseSelection(name).name))
	}
	return checks, nil
}

func (s *SSM) checkAddTags(p addTags) ([]wire.Check, error) {
	check := s.check("AddTagsToResource", s.parseSelection(p.ResourceID).name)
	addRequestTags(check.Context, p.Tags)
	return []wire.Check{check}, nil
}

func (s *SSM) checkListTags(p resource) ([]wire.Check, error) {
	return []wire.Check{s.check("ListTagsForResource", s.parseSelection(p.ResourceID).name)}, nil
}

// checkPut asks for the parameter, for its tags, and for the key of a SecureString:
// to encrypt with for a standard one, for a data key for an advanced one.
func (s *SSM) checkPut(p putParameter) ([]wire.Check, error) {
	p.Name = s.parseSelection(p.Name).name
	put := s.check("PutParameter", p.Name)
	put.Context["ssm:Overwrite"] = []string{strconv.FormatBool(p.Overwrite)}
	addRequestTags(put.Context, p.Tags)
	checks := []wire.Check{put}
	if len(p.Tags) > 0 {
		checks = append(checks, wire.Check{Action: "ssm:AddTagsToResource", Resource: put.Resource, Context: put.Context})
	}
	kind, action := p.Type, "kms:Encrypt"
	s.parameters.View(func(all *parameters) {
		old := all.ByName[p.Name]
		if old != nil {
			kind = old.Type
		}
		if tierOf(p, old) == advanced {
			action = "kms:GenerateDataKey"
		}
	})
	if kind == secure {
		checks = append(checks, s.cfg.Keys.Check(action, cmp.Or(p.KeyID, defaultKey), s.encryptionContext(p.Name), s.via())...)
	}
	return checks, nil
}

func (s *SSM) checkGet(p getParameter) ([]wire.Check, error) {
	return s.checkReads("GetParameter", []string{p.Name}, p.WithDecryption), nil
}

func (s *SSM) checkGets(p getParameters) ([]wire.Check, error) {
	return s.checkReads("GetParameters", p.Names, p.WithDecryption), nil
}

func (s *SSM) checkReads(action string, names []string, decrypted bool) []wire.Check {
	var checks []wire.Check
	for _, name := range names {
		sel := s.parseSelection(name)
		checks = append(checks, s.check(action, sel.name))
		if v, kind, err := s.version(sel); err == nil && kind == secure && decrypted {
			checks = append(checks, s.checkDecrypt(sel.name, v.KeyID)...)
		}
	}
	return checks
}

func (s *SSM) checkHistory(p getHistory) ([]wire.Check, error) {
	name := s.parseSelection(p.Name).name
	checks := []wire.Check{s.check("GetParameterHistory", name)}
	keys := map[string]bool{}
	s.parameters.View(func(all *parameters) {
		of := all.ByName[name]
		if of == nil || of.Type != secure || !p.WithDecryption {
			return
		}
		for _, v := range of.Versions {
			keys[v.KeyID] = true
		}
	})
	for key := range keys {
		checks = append(checks, s.checkDecrypt(name, key)...)
	}
	return checks, nil
}

func (s *SSM) checkDecrypt(name, key string) []wire.Check {
	return s.cfg.Keys.Check("kms:Decrypt", key, s.encryptionContext(name), s.via())
}

// checkSend asks for the document and for each instance.
func (s *SSM) checkSend(p sendCommand) ([]wire.Check, error) {
	checks := []wire.Check{{Action: "ssm:SendCommand", Resource: s.arn("ssm", "", "document/"+p.DocumentName)}}
	instances, err := s.cfg.Fleet.Instances()
	if err != nil {
		return nil, err
	}
	tags := map[string]map[string]string{}
	for _, i := range instances {
		tags[i.ID] = i.Tags
	}
	for _, id := range p.InstanceIDs {
		about := map[string][]string{}
		addTagContext(about, tags[id])
		checks = append(checks, wire.Check{Action: "ssm:SendCommand", Resource: s.arn("ec2", s.cfg.Account, "instance/"+id), Context: about})
	}
	return checks, nil
}
