"""Does by PyTorch what a selftest has measured, on the same device; products are the vendor's library's there.

The request is the first argument, as JSON. Each line of the answer is JSON: {"name", "way", "milliseconds"} or {"note"}.
"""
import json
import statistics
import sys
import time

request = json.loads(sys.argv[1])


def say(**members):
    print(json.dumps(members), flush=True)


try:
    import torch
except (ImportError, OSError) as error:
    say(note=f"PyTorch is not there: {error}")
    sys.exit(0)

if request["driver"] == "cpu":
    device = torch.device("cpu")
    wait = lambda: None
elif request["driver"] == "cuda" and torch.cuda.is_available():
    device = torch.device("cuda", request["ordinal"])
    wait = lambda: torch.cuda.synchronize(device)
else:
    say(note=f"PyTorch {torch.__version__} does not see the device")
    sys.exit(0)

TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
say(note=f"beside ours: PyTorch {torch.__version__}, f32 products without TF32, on "
    + (torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor"))


def chain(work):
    """Milliseconds of one of many equal pieces of work in a row, copies and waiting left out."""
    work()
    wait()
    start = time.perf_counter()
    count = 0
    while count < 3 or time.perf_counter() - start < 0.2:
        work()
        wait()
        count += 1
    links = max(5, min(200, int(count * 2.5)))
    times = []
    for _ in range(3):
        wait()
        start = time.perf_counter()
        for _ in range(links):
            work()
        wait()
        times.append((time.perf_counter() - start) / links * 1e3)
    return statistics.median(times)


def whole(work):
    """Milliseconds of one run that ends on the host."""
    start = time.perf_counter()
    while True:
        work()
        if time.perf_counter() - start > 0.2:
            break
    times = []
    start = time.perf_counter()
    while len(times) < 3 or len(times) < 200 and time.perf_counter() - start < 1:
        before = time.perf_counter()
        work()
        times.append((time.perf_counter() - before) * 1e3)
    return statistics.median(times)


def product(name, kind, n):
    a = torch.rand(n, n, device=device).mul_(2).sub_(1).to(kind)
    b = torch.rand(n, n, device=device).mul_(2).sub_(1).to(kind)
    say(name=name, way="torch.matmul", milliseconds=chain(lambda: torch.matmul(a, b)))


def attention(name, kind, heads, length, size):
    q, k, v = (torch.rand(1, heads, length, size, device=device).mul_(2).sub_(1).to(kind) for _ in range(3))
    work = lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v)
    say(name=name, way="scaled_dot_product_attention", milliseconds=chain(work))


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (torch.nn.Linear(384, 384) for _ in range(4))
        self.up, self.down = torch.nn.Linear(384, 1536), torch.nn.Linear(1536, 384)
        self.first, self.second = (torch.nn.LayerNorm(384, eps=1e-12) for _ in range(2))

    def forward(self, x):
        q, k, v = (part(x).unflatten(-1, (12, 32)).transpose(1, 2) for part in (self.q, self.k, self.v))
        heads = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        x = self.first(self.o(heads.transpose(1, 2).flatten(2)) + x)
        return self.second(self.down(torch.nn.functional.gelu(self.up(x))) + x)


class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions = torch.nn.Embedding(30522, 384), torch.nn.Embedding(512, 384)
        self.norm = torch.nn.LayerNorm(384, eps=1e-12)
        self.layers = torch.nn.ModuleList(Layer() for _ in range(6))

    def forward(self, ids):
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        for layer in self.layers:
            x = layer(x)
        return x


model = None


def encoder(name, sentences, tokens):
    global model
    if model is None:
        model = Encoder().eval().to(device)
    ids = torch.randint(0, 2, (sentences, tokens))
    say(name=name, way="eager", milliseconds=whole(lambda: model(ids.to(device)).cpu()))
    try:
        compiled = torch.compile(model)
        say(name=name, way="torch.compile", milliseconds=whole(lambda: compiled(ids.to(device)).cpu()))
    except Exception as error:
        say(note=f"torch.compile failed for {name}: {type(error).__name__}: {str(error).splitlines()[0]}")


with torch.inference_mode():
    # What takes longest to prepare comes last, so that a limit of time cuts that off and nothing else.
    for item in sorted(request["work"], key=lambda item: item["work"]["operation"] == "encoder"):
        name, work = item["name"], item["work"]
        try:
            if work["operation"] == "product":
                product(name, TYPES[work["type"]], *work["shape"])
            elif work["operation"] == "attention":
                attention(name, TYPES[work["type"]], *work["shape"])
            elif work["operation"] == "encoder":
                encoder(name, *work["shape"])
        except Exception as error:
            say(note=f"PyTorch failed at {name}: {type(error).__name__}: {str(error).splitlines()[0]}")
