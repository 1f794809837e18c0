package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"time"
)

// FileName is the configuration of a process where no other is named.
const FileName = "hotline.yaml"

// EnvPrefix begins the names of the environment's variables: HOTLINE_DATA.
const EnvPrefix = "HOTLINE_"

// Config is all that a process needs to start. [Keys] documents the fields.
type Config struct {
	Data           string
	SIP            []Listen
	RTP            PortRange
	Media          string // child, inline, unix:PATH
	Shards         int    // threads for audio; 0: by the machine
	Adopt          time.Duration
	Advertise      string
	STUN           []string // servers that say the address to advertise
	TLSCert        string
	TLSKey         string
	TLSClientCA    string
	TLSRequired    bool // of clients, a certificate
	KeepAlive      time.Duration
	BanAfter       int // negative: never
	BanFor         time.Duration
	Realm          string
	Metrics        string
	LogFormat      string
	LogLevel       slog.Level
	MaxCalls       int
	SessionExpires time.Duration
	Grace          time.Duration

	File  string            // hotline.yaml that was read; "" if none
	Flags map[string]string // that were given, by key
}

// Listen is one address for SIP.
type Listen struct {
	Network string // "udp", "tcp" or "tls"
	Addr    string // host:port
}

func (l Listen) String() string { return l.Network + "://" + l.Addr }

// PortRange is where RTP sockets are opened.
type PortRange struct {
	Host     string // an IP address
	Min, Max uint16
}

func (p PortRange) String() string { return fmt.Sprintf("%s:%d-%d", bracket(p.Host), p.Min, p.Max) }

func bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// Logger makes the log that the configuration asks for.
func (c Config) Logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// Defaults is the configuration where nothing is said.
func Defaults() Config {
	var c Config
	for _, k := range Keys {
		if err := k.set(&c, k.Default); err != nil {
			panic("config: default of " + k.Name + ": " + err.Error()) // a fault in the table, found by any test
		}
	}
	return c
}

// Source is where Load looks. Flags override the environment, which overrides
// the file, which overrides the defaults.
type Source struct {
	Flags map[string]string                // by key, only those given
	Env   func(name string) (string, bool) // os.LookupEnv
	File  string                           // "" : HOTLINE_CONFIG, else hotline.yaml here, if there is one
}

// Load gathers the configuration of a process. A relative data directory from
// the file is relative to the file. The error is [Problems] if a value is wrong.
func Load(s Source) (Config, error) {
	c := Defaults()
	c.Flags = s.Flags
	problems, err := c.fromFile(s)
	if err != nil {
		return c, err
	}
	for _, k := range Keys {
		if v, ok := lookup(s.Env, k.Env()); ok {
			problems = append(problems, c.from(k, k.Env(), "", v)...)
		}
		if v, ok := s.Flags[k.Name]; ok {
			problems = append(problems, c.from(k, "--"+k.Flag(), "", v)...)
		}
	}
	if len(problems) == 0 {
		problems = c.agree(cmp.Or(c.File, "hotline"))
	}
	if len(problems) > 0 {
		return c, problems
	}
	return c, nil
}

func lookup(env func(string) (string, bool), name string) (string, bool) {
	if env == nil {
		return "", false
	}
	v, ok := env(name)
	return v, ok && v != ""
}

// from sets a key; where names the source.
func (c *Config) from(k Key, where, path, value string) Problems {
	err := k.set(c, value)
	if err == nil {
		return nil
	}
	return Problems{{File: where, Path: path, What: err.Error(), Try: k.Example}}
}

// fromFile reads hotline.yaml. One that is not named need not exist.
func (c *Config) fromFile(s Source) (Problems, error) {
	path, named := s.File, s.File != ""
	if !named {
		path, named = lookup(s.Env, EnvPrefix+"CONFIG")
	}
	if !named {
		path = FileName
	}
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.File = path
	return c.parse(path, data), nil
}

// parse reads the text of a hotline.yaml.
func (c *Config) parse(file string, data []byte) Problems {
	top, problems := parse(file, data)
	if len(problems) > 0 {
		return problems
	}
	for _, e := range top.keys {
		k, ok := keyNamed(e.name)
		if !ok {
			problems = append(problems, Problem{file, e.pos, "", fmt.Sprintf("unknown key %q", cut(e.name)), Suggest(e.name, keyNames())})
			continue
		}
		value, err := flat(e.node)
		if err == nil && e.kind != empty {
			err = k.set(c, value)
		}
		if err == nil && e.kind != empty {
			c.relocate(k.Name, file)
		}
		if err != nil {
			pos := e.pos
			if e.node.pos.Line > 0 && e.kind != table && e.kind != list {
				pos = e.node.pos
			}
			problems = append(problems, Problem{file, pos, k.Name, err.Error(), k.Example})
		}
	}
	return problems[:min(len(problems), maxProblems)]
}

// flat is a scalar, or a list of them with commas between.
func flat(n *node) (string, error) {
	switch n.kind {
	case table:
		return "", errors.New("must be a value, is a map")
	case list:
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			if item.kind == table || item.kind == list {
				return "", errors.New("must be a list of values")
			}
			parts[i] = item.text
		}
		return strings.Join(parts, ","), nil
	}
	return n.text, nil
}

// ParseProcess reads the text of a hotline.yaml over the defaults.
func ParseProcess(file string, data []byte) (Config, error) {
	c := Defaults()
	c.File = file
	ps := c.parse(file, data)
	if len(ps) == 0 {
		ps = c.agree(file)
	}
	if len(ps) > 0 {
		return c, ps
	}
	return c, nil
}
