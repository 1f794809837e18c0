package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Key is one key of hotline.yaml, with its flag and its environment variable.
type Key struct {
	Name    string // in the file: log_level
	Default string
	Example string            // a value that is right
	Doc     map[string]string // what it is for, by language; lines of at most 76 letters
	set     func(c *Config, value string) error
}

// Flag is the key's flag: log-level.
func (k Key) Flag() string { return strings.ReplaceAll(k.Name, "_", "-") }

// Env is the key's environment variable: HOTLINE_LOG_LEVEL.
func (k Key) Env() string { return EnvPrefix + strings.ToUpper(k.Name) }

func keyNamed(name string) (Key, bool) {
	for _, k := range Keys {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

func keyNames() []string {
	out := make([]string, len(Keys))
	for i, k := range Keys {
		out[i] = k.Name
	}
	return out
}

// Keys are all keys of hotline.yaml, in the order of the file.
var Keys = []Key{
	{
		Name: "data", Default: "data", Example: "/var/lib/hotline",
		Doc: map[string]string{
			"en": "Directory of the store, the recordings and the socket for commands.\nRelative to this file. One process at a time uses it.",
			"zh": "数据目录：数据库、录音和命令用的套接字。相对路径以本文件所在目录为准。\n同一时间只能由一个进程使用。",
		},
		set: func(c *Config, v string) error { return notEmpty(&c.Data, v) },
	},
	{
		Name: "sip", Default: "udp://127.0.0.1:5060,tcp://127.0.0.1:5060", Example: "[udp://0.0.0.0:5060, tcp://0.0.0.0:5060]",
		Doc: map[string]string{
			"en": "Where phones and trunks reach us. The default is this machine only;\n0.0.0.0 or [::] opens it to the network.",
			"zh": "电话机和中继访问的地址。默认仅限本机；\n0.0.0.0 或 [::] 表示对网络开放。",
		},
		set: setSIP,
	},
	{
		Name: "tls_cert", Default: "", Example: "/etc/hotline/fullchain.pem",
		Doc: map[string]string{
			"en": "Certificate with its chain (PEM), for tls:// addresses and towards trunks.\nIt is read again when the file changes, as are the key and the authorities.",
			"zh": "证书及其证书链（PEM），用于 tls:// 地址和对中继的连接。\n文件更改后自动重新读取，密钥和 CA 也一样。",
		},
		set: func(c *Config, v string) error { c.TLSCert = v; return nil },
	},
	{
		Name: "tls_key", Default: "", Example: "/etc/hotline/key.pem",
		Doc: map[string]string{
			"en": "Key of the certificate (PEM).",
			"zh": "证书的私钥（PEM）。",
		},
		set: func(c *Config, v string) error { c.TLSKey = v; return nil },
	},
	{
		Name: "tls_client_ca", Default: "", Example: "/etc/hotline/clients.pem",
		Doc: map[string]string{
			"en": "Authorities (PEM) that sign the certificates of phones and trunks which show\none. Empty: none is asked for.",
			"zh": "签发电话机和中继证书的 CA（PEM）。留空：不要求对方出示证书。",
		},
		set: func(c *Config, v string) error { c.TLSClientCA = v; return nil },
	},
	{
		Name: "tls_clients", Default: "optional", Example: "optional or required",
		Doc: map[string]string{
			"en": "Whether whoever connects by TLS must show a certificate of these\nauthorities: optional or required.",
			"zh": "通过 TLS 连接的一方是否必须出示上述 CA 签发的证书：optional（可选）或 required（必须）。",
		},
		set: setTLSClients,
	},
	{
		Name: "rtp", Default: "127.0.0.1:10000-19999", Example: "0.0.0.0:10000-19999",
		Doc: map[string]string{
			"en": "Address and ports for audio. A call with an agent takes two even ports.",
			"zh": "语音使用的地址和端口范围。每个接通坐席的电话占用两个偶数端口。",
		},
		set: setRTP,
	},
	{
		Name: "media", Default: MediaChild, Example: "child, inline or unix:/run/hotline/media.sock",
		Doc: map[string]string{
			"en": "Where audio is moved. child: in a process of its own, which goes on when\nthis one is killed; inline: in this process; unix:PATH: in the process of\n\"hotline media --stay --socket PATH\", which a service manager runs.",
			"zh": "语音在哪里处理。child：独立子进程，本进程被杀时通话语音不中断；inline：本进程内；\nunix:路径：由服务管理器运行的 \"hotline media --stay --socket 路径\" 进程。",
		},
		set: setMedia,
	},
	{
		Name: "shards", Default: "auto", Example: "auto, or 1 to 64",
		Doc: map[string]string{
			"en": "Threads that move the audio, each with a part of the calls. auto: one less\nthan the machine has cores, one at least.",
			"zh": "处理语音的线程数，每个线程负责一部分通话。auto：比机器的核数少一个，至少一个。",
		},
		set: setShards,
	},
	{
		Name: "adopt", Default: "5s", Example: "5s",
		Doc: map[string]string{
			"en": "Calls of a killed process whose audio goes on may talk for so long after\nthe next one has started; then they are ended.",
			"zh": "前一个进程被杀后语音仍在继续的通话，在新进程启动后还可通话这么久，然后被结束。",
		},
		set: func(c *Config, v string) error { return setDuration(&c.Adopt, v, time.Second, time.Hour) },
	},
	{
		Name: "advertise", Default: "", Example: "203.0.113.7, stun:stun.example.net or auto",
		Doc: map[string]string{
			"en": "IP address or host name that others reach us at, when a NAT is between;\nstun:HOST asks a STUN server for it each minute. Empty or auto: the address\nthat the socket has.",
			"zh": "位于 NAT 之后时，外部访问我们的 IP 或主机名；stun:主机 每分钟向 STUN 服务器查询。\n留空或 auto：使用套接字自己的地址。",
		},
		set: setAdvertise,
	},
	{
		Name: "keep_alive", Default: "25s", Example: "25s, or 0 for never",
		Doc: map[string]string{
			"en": "How often an empty line goes to registered phones, so that routers on the\nway keep the way open. 0: never.",
			"zh": "向已注册电话机发送空行以保持沿途路由器（NAT）通路的间隔。0：从不。",
		},
		set: func(c *Config, v string) error { return setDuration(&c.KeepAlive, v, 0, time.Hour) },
	},
	{
		Name: "ban_after", Default: "5", Example: "5, or 0 for never",
		Doc: map[string]string{
			"en": "So many failed log-ins within a minute ban an address. 0: never.\nSee hotline ban list.",
			"zh": "一分钟内登录失败达到此次数的地址被封禁。0：从不。见 hotline ban list。",
		},
		set: setBanAfter,
	},
	{
		Name: "ban_for", Default: "15m", Example: "15m",
		Doc: map[string]string{
			"en": "Length of the first ban; each further one is twice as long, 24h at most.",
			"zh": "首次封禁的时长；之后每次加倍，最长 24h。",
		},
		set: func(c *Config, v string) error { return setDuration(&c.BanFor, v, time.Second, 24*time.Hour) },
	},
	{
		Name: "realm", Default: "hotline", Example: "hotline",
		Doc: map[string]string{
			"en": "Name that the phones' secrets are bound to. Fixed at the first start with a\ndata directory: later changes are not used, as all secrets would be void.",
			"zh": "电话密码所绑定的域名。首次启动时固定；之后的更改不起作用，否则所有密码会失效。",
		},
		set: setRealm,
	},
	{
		Name: "metrics", Default: "", Example: "127.0.0.1:9464",
		Doc: map[string]string{
			"en": "Address for Prometheus (http://ADDR/metrics). Empty: none.",
			"zh": "供 Prometheus 抓取的地址（http://地址/metrics）。留空：不开放。",
		},
		set: func(c *Config, v string) error { return setAddr(&c.Metrics, v) },
	},
	{
		Name: "log_format", Default: "text", Example: "text or json",
		Doc: map[string]string{
			"en": "Form of the log on standard error: text or json.",
			"zh": "日志格式（输出到标准错误）：text 或 json。",
		},
		set: setLogFormat,
	},
	{
		Name: "log_level", Default: "info", Example: "debug, info, warn or error",
		Doc: map[string]string{
			"en": "Least level that is logged: debug, info, warn or error. At info there are\ntwo lines per call.",
			"zh": "日志级别：debug、info、warn 或 error。info 级别每个电话记录两行。",
		},
		set: setLogLevel,
	},
	{
		Name: "max_calls", Default: "2000", Example: "2000",
		Doc: map[string]string{
			"en": "Calls at a time; a further one is answered by 503. 1 to 100000.",
			"zh": "同时进行的电话数上限；超出的来电以 503 拒绝。1 到 100000。",
		},
		set: setMaxCalls,
	},
	{
		Name: "session_expires", Default: "30m", Example: "30m",
		Doc: map[string]string{
			"en": "A call whose far end does not refresh it for so long is ended (RFC 4028).\nAt least 90s.",
			"zh": "对端超过此时间没有刷新会话，电话即被结束（RFC 4028）。至少 90s。",
		},
		set: func(c *Config, v string) error {
			return setDuration(&c.SessionExpires, v, 90*time.Second, 24*time.Hour)
		},
	},
	{
		Name: "grace", Default: "5s", Example: "5s",
		Doc: map[string]string{
			"en": "At the end (SIGTERM, ctrl-C) all running calls are ended; they have so\nlong for it.",
			"zh": "停止时（SIGTERM、Ctrl-C）通知所有正在进行的电话结束，并最多等待这么久。",
		},
		set: func(c *Config, v string) error { return setDuration(&c.Grace, v, 0, time.Hour) },
	},
}

func notEmpty(to *string, v string) error {
	if v == "" {
		return errors.New("is empty")
	}
	*to = v
	return nil
}

// checkAddr wants an IP address and a port.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", cut(addr))
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
		return fmt.Errorf("%q is not an IP address", cut(host))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port from 0 to 65535", cut(port))
	}
	return nil
}

func setAddr(to *string, v string) error {
	if v != "" {
		if err := checkAddr(v); err != nil {
			return err
		}
	}
	*to = v
	return nil
}

func setRTP(c *Config, v string) error {
	host, ports, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q is not host:first-last", cut(v))
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return fmt.Errorf("%q is not an IP address", cut(host))
	}
	a, b, _ := strings.Cut(ports, "-")
	low, err1 := strconv.ParseUint(a, 10, 16)
	high, err2 := strconv.ParseUint(b, 10, 16)
	switch {
	case err1 != nil || err2 != nil:
		return fmt.Errorf("%q is not two ports like 10000-19999", cut(ports))
	case low < 1024 || high < low+1:
		return fmt.Errorf("ports %d-%d: from 1024 on, and at least two", low, high)
	}
	c.RTP = PortRange{host, uint16(low), uint16(high)}
	return nil
}

// Words for where audio is moved, beside MediaUnix with a path.
const (
	MediaChild  = "child"
	MediaInline = "inline"
	MediaUnix   = "unix:"
)

func setMedia(c *Config, v string) error {
	if path, ok := strings.CutPrefix(v, MediaUnix); v != MediaChild && v != MediaInline && (!ok || path == "") {
		return fmt.Errorf("%q is none of child, inline, unix:PATH", cut(v))
	}
	c.Media = v
	return nil
}

// mostShards is what the media engine takes at most.
const mostShards = 64

func setShards(c *Config, v string) error {
	if v == "auto" {
		c.Shards = 0
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > mostShards {
		return fmt.Errorf("%q is neither auto nor a number from 1 to %d", cut(v), mostShards)
	}
	c.Shards = n
	return nil
}

func setRealm(c *Config, v string) error {
	if v == "" || len(v) > 64 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' || r == ':' }) {
		return fmt.Errorf("%q is not a realm: 1 to 64 letters, digits, dots and dashes", cut(v))
	}
	c.Realm = v
	return nil
}

func setLogFormat(c *Config, v string) error {
	if v != "text" && v != "json" {
		return fmt.Errorf("%q is neither text nor json", cut(v))
	}
	c.LogFormat = v
	return nil
}

// logLevels are the words that may be written.
var logLevels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func setLogLevel(c *Config, v string) error {
	l, ok := logLevels[v]
	if !ok {
		return fmt.Errorf("%q is not a level", cut(v))
	}
	c.LogLevel = l
	return nil
}

func setMaxCalls(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 100000 {
		return fmt.Errorf("%q is not a number from 1 to 100000", cut(v))
	}
	c.MaxCalls = n
	return nil
}

func setDuration(to *time.Duration, v string, least, most time.Duration) error {
	d, err := time.ParseDuration(v)
	if err != nil {
		return fmt.Errorf("%q is not a length of time", cut(v))
	}
	if d < least || d > most {
		return fmt.Errorf("%s is not between %s and %s", v, least, most)
	}
	*to = d
	return nil
}
