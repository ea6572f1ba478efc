"""Prints what is public in a Python package, or in one module: a line for each thing, "path: declaration".

    python3 python.py NAME PATH

NAME is what apps import. PATH is the folder of the package, or the file of the module. A name is public if `__all__` has it, in a
module without one if it does not begin with an underscore. Classes that are not, and stand in the signature of something public,
are listed as well: apps get hold of their members.
"""

import ast
import os
import sys

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: What Python itself calls, and no app.
SILENT = {"__del__", "__hash__", "__str__", "__repr__", "__reduce__"}


class Module:
    """One file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            body = list(flat(ast.parse(file.read()).body))
        #: Names to everything that gives them a meaning, in order.
        self.defined = {}
        #: Names to the modules that they are imported from, and the names there.
        self.imported = {}
        self.exported = None
        for node in body:
            if isinstance(node, ast.ImportFrom) and node.level <= 1:
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = ("." * node.level + (node.module or ""), alias.name)
            elif isinstance(node, (ast.ClassDef, *FUNCTIONS)):
                self.defined.setdefault(node.name, []).append(node)
            else:
                for name in assigned(node):
                    self.defined.setdefault(name, []).append(node)
        for node in self.defined.get("__all__", ()):
            self.exported = [ast.literal_eval(item) for item in node.value.elts]

    def public(self):
        if self.exported is not None:
            # Such as `__version__`, which `__all__` leaves out for the sake of `import *`.
            return [*self.exported, *(name for name in self.defined if is_special(name) and name != "__all__")]
        return [name for name in self.defined if is_public(name)]


def flat(body):
    """Statements, with those that stand under a condition."""
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from flat(node.body)
            yield from flat(node.orelse)
            for handler in getattr(node, "handlers", ()):
                yield from flat(handler.body)
        else:
            yield node


def assigned(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def is_special(name):
    return name.startswith("__") and name.endswith("__")


def is_public(name):
    return not name.startswith("_") or is_special(name) and name not in SILENT


def every(arguments):
    """All parameters of a function."""
    found = [*arguments.posonlyargs, *arguments.args, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
    return [argument for argument in found if argument is not None]


def parameter(name, annotation, default):
    text = name if annotation is None else f"{name}: {ast.unparse(annotation)}"
    return text if default is None else f"{text} = {ast.unparse(default)}"


def spelled(arguments):
    """The parameters of a function as they are written."""
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    for at, (argument, default) in enumerate(zip(positional, [*missing, *arguments.defaults])):
        yield parameter(argument.arg, argument.annotation, default)
        if at + 1 == len(arguments.posonlyargs):
            yield "/"
    if arguments.vararg is not None:
        yield parameter(f"*{arguments.vararg.arg}", arguments.vararg.annotation, None)
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        yield parameter(argument.arg, argument.annotation, default)
    if arguments.kwarg is not None:
        yield parameter(f"**{arguments.kwarg.arg}", arguments.kwarg.annotation, None)


class Surface:
    """What was found."""

    def __init__(self, package, modules):
        self.package = package
        self.modules = modules
        self.lines = set()
        self.listed = set()

    def emit(self, path, text):
        self.lines.add(f"{path}: {' '.join(text.split())}")

    def module(self, name):
        """Everything public in a module, and what stands in its signatures."""
        module = self.modules[name]
        path = self.package + (f".{name}" if name else "")
        for public in module.public():
            self.name(name, public, f"{path}.{public}")

    def name(self, module, name, path):
        """What a name means in a module."""
        if (module, name, path) in self.listed:
            return
        self.listed.add((module, name, path))
        held = self.modules[module]
        if name in held.defined:
            # The last one counts; what the same name was before is what others may be made of.
            for node in held.defined[name]:
                self.definition(module, node, path)
        elif name in held.imported:
            source, own = held.imported[name]
            if source.startswith(".") and source[1:] in self.modules:
                self.name(source[1:], own, path)
            else:
                full = self.package + source if source.startswith(".") else source
                self.emit(path, f"{own} of {full}")
        else:
            sys.exit(f"{path} is exported, and there is no such name")

    def definition(self, module, node, path):
        if isinstance(node, ast.ClassDef):
            self.class_(module, node, path)
        elif isinstance(node, FUNCTIONS):
            self.function(module, node, path)
        else:
            self.assignment(module, node, path, path.rpartition(".")[2])

    def assignment(self, module, node, path, name):
        annotation = getattr(node, "annotation", None)
        text = name
        if annotation is not None:
            self.reach(module, annotation)
            text += f": {ast.unparse(annotation)}"
        if node.value is not None:
            self.reach(module, node.value)
            text += f" = {ast.unparse(node.value)}"
        self.emit(path, text)

    def function(self, module, node, path):
        if node.name == "__init__" and self.is_inner(node):
            return
        words = [f"@{ast.unparse(decorator)} " for decorator in node.decorator_list]
        words.append("async def " if isinstance(node, ast.AsyncFunctionDef) else "def ")
        arguments = node.args
        for argument in every(arguments):
            if argument.annotation is not None:
                self.reach(module, argument.annotation)
        text = f"{''.join(words)}{node.name}({', '.join(spelled(arguments))})"
        if node.returns is not None:
            self.reach(module, node.returns)
            text += f" -> {ast.unparse(node.returns)}"
        self.emit(path, text)

    def is_inner(self, init):
        """Whether a constructor takes what no app has: something of a private module that the package does not export."""
        root = self.modules[""]
        passed_on = [root.imported[name] for name in root.public() if name in root.imported]
        return any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id.startswith("_")
            and ("." + node.value.id, node.attr) not in passed_on
            for argument in every(init.args)
            if argument.annotation is not None
            for node in ast.walk(argument.annotation)
        )

    def class_(self, module, node, path):
        words = "".join(f"@{ast.unparse(decorator)} " for decorator in node.decorator_list)
        bases = ", ".join(ast.unparse(base) for base in [*node.bases, *(word.value for word in node.keywords)])
        self.emit(path, f"{words}class {node.name}({bases})")
        self.members(module, node, path, set())
        # The order of its fields is that of what makes one.
        if "dataclass" in words and not any(isinstance(member, FUNCTIONS) and member.name == "__init__" for member in node.body):
            fields = [member for member in node.body if isinstance(member, ast.AnnAssign)]
            self.emit(f"{path}.__init__", f"({', '.join(parameter(field.target.id, field.annotation, field.value) for field in fields)})")

    def members(self, module, node, path, seen):
        own = set()
        for member in flat(node.body):
            if isinstance(member, (ast.ClassDef, *FUNCTIONS)):
                names = [member.name]
            else:
                names = assigned(member)
            for name in names:
                if name in seen or not is_public(name):
                    continue
                own.add(name)
                if isinstance(member, (ast.ClassDef, *FUNCTIONS)):
                    self.definition(module, member, f"{path}.{name}")
                else:
                    self.assignment(module, member, f"{path}.{name}", name)
        for member in node.body:
            if isinstance(member, FUNCTIONS) and member.name == "__init__":
                self.attributes(module, member, path, seen | own)
        # Nobody can name a base that is private, but what it has is there.
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id.startswith("_"):
                for held, found in self.classes(module, base.id):
                    self.members(held, found, path, seen | own)

    def attributes(self, module, init, path, seen):
        """What `__init__` gives an object, with the type of the parameter that it comes from."""
        types = {argument.arg: argument.annotation for argument in every(init.args)}
        for node in ast.walk(init):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            for target in targets:
                is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
                if not is_own or target.attr in seen or not is_public(target.attr):
                    continue
                annotation = getattr(node, "annotation", None)
                if annotation is None and isinstance(node.value, ast.Name):
                    annotation = types.get(node.value.id)
                self.emit(f"{path}.{target.attr}", target.attr + (f": {ast.unparse(annotation)}" if annotation else ""))

    def classes(self, module, name):
        """The classes of that name that a module knows, each with where it stands."""
        held = self.modules[module]
        if name in held.defined:
            return [(module, node) for node in held.defined[name] if isinstance(node, ast.ClassDef)]
        source, own = held.imported.get(name, ("", ""))
        return self.classes(source[1:], own) if source.startswith(".") and source[1:] in self.modules else []

    def reach(self, module, annotation):
        """Lists the private classes in an annotation."""
        for node in ast.walk(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                try:
                    self.reach(module, ast.parse(node.value, mode="eval").body)
                except SyntaxError:
                    pass
            if isinstance(node, ast.Name) and node.id.startswith("_"):
                for held, found in self.classes(module, node.id):
                    path = ".".join(filter(None, [self.package, held, found.name]))
                    if (held, found.name, path) not in self.listed:
                        self.listed.add((held, found.name, path))
                        self.class_(held, found, path)


def main(package, path):
    if os.path.isdir(path):
        files = [file for file in os.listdir(path) if file.endswith(".py")]
        modules = {file[:-3].replace("__init__", ""): Module(os.path.join(path, file)) for file in files}
    else:
        modules = {"": Module(path)}
    surface = Surface(package, modules)
    for name in modules:
        if not name.startswith("_"):
            surface.module(name)
    for line in sorted(surface.lines):
        print(line)


main(*sys.argv[1:])
