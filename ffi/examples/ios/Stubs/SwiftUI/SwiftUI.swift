// Stand-ins for the few pieces of SwiftUI and Combine that the screens use, with their types and without anything behind
// them: where there is no SwiftUI, compilers can still say whether the screens fit the model.
@_exported import Foundation

@MainActor public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View {
    public var body: Never { return fatalError("stands in") }
}

/// Every view that is made of nothing here.
public protocol Leaf: View where Body == Never {}
extension Leaf {
    public var body: Never { return fatalError("stands in") }
}

public struct Some<Content>: Leaf {}
public struct EmptyView: Leaf {}

@resultBuilder public enum ViewBuilder {
    public static func buildExpression<V: View>(_ view: V) -> V { view }
    public static func buildBlock<each V: View>(_ views: repeat each V) -> Some<(repeat each V)> { Some() }
    public static func buildIf<V: View>(_ view: V?) -> Some<V?> { Some() }
    public static func buildEither<V: View, W: View>(first: V) -> Some<(V, W)> { Some() }
    public static func buildEither<V: View, W: View>(second: W) -> Some<(V, W)> { Some() }
}

@MainActor public protocol App {
    associatedtype Body: Scene
    @SceneBuilder var body: Body { get }
    init()
}
extension App {
    public static func main() {}
}
@MainActor public protocol Scene {}
@resultBuilder public enum SceneBuilder {
    public static func buildBlock<S: Scene>(_ scene: S) -> S { scene }
}
public struct WindowGroup: Scene {
    public init<V: View>(@ViewBuilder content: () -> V) {}
}
public enum ScenePhase: Sendable { case background, inactive, active }
extension Scene {
    public func onChange<V: Equatable>(of value: V, perform action: @escaping (V) -> Void) -> some Scene { self }
}

public struct ObjectWillChangePublisher: Sendable { public func send() {} }
public protocol ObservableObject: AnyObject {}
extension ObservableObject {
    public var objectWillChange: ObjectWillChangePublisher { ObjectWillChangePublisher() }
}
@MainActor @propertyWrapper public struct StateObject<Object: ObservableObject> {
    public let wrappedValue: Object
    public init(wrappedValue: @autoclosure @escaping () -> Object) { self.wrappedValue = wrappedValue() }
}
@MainActor @propertyWrapper public struct ObservedObject<Object: ObservableObject> {
    public var wrappedValue: Object
    public init(wrappedValue: Object) { self.wrappedValue = wrappedValue }
}
public struct EnvironmentValues { public var scenePhase: ScenePhase { .active } }
@MainActor @propertyWrapper public struct Environment<Value> {
    public let wrappedValue: Value
    public init(_ path: KeyPath<EnvironmentValues, Value>) { wrappedValue = EnvironmentValues()[keyPath: path] }
}
@MainActor @propertyWrapper public struct State<Value> {
    public let initial: Value
    public init(wrappedValue: Value) { initial = wrappedValue }
    public var wrappedValue: Value {
        get { initial }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { Binding(get: { initial }, set: { _ in }) }
}
@MainActor public struct Binding<Value> {
    public init(get: @escaping @MainActor () -> Value, set: @escaping @MainActor (Value) -> Void) {}
}

public struct TimerPublisher { public func autoconnect() -> TimerPublisher { self } }
extension Timer {
    public static func publish(every interval: TimeInterval, on loop: RunLoop, in mode: RunLoop.Mode) -> TimerPublisher {
        TimerPublisher()
    }
}

public enum HorizontalAlignment { case leading, center, trailing }
public enum Alignment { case leading, center, trailing }
public enum Font { case headline, body, footnote, largeTitle }
public enum ButtonRole { case destructive, cancel }
public enum KeyboardType { case numberPad, URL }
public enum Capitalization { case never, words }
public enum Children { case combine, ignore }
public enum Placement { case confirmationAction, cancellationAction }
public struct BorderedStyle { public static var bordered: BorderedStyle { BorderedStyle() } }

public struct NavigationStack: Leaf { public init<V: View>(@ViewBuilder root: () -> V) {} }
public struct List: Leaf { public init<V: View>(@ViewBuilder content: () -> V) {} }
public struct Form: Leaf { public init<V: View>(@ViewBuilder content: () -> V) {} }
public struct Group: Leaf { public init<V: View>(@ViewBuilder content: () -> V) {} }
public struct ForEach: Leaf {
    public init<Items: RandomAccessCollection, V: View>(_ items: Items, @ViewBuilder content: (Items.Element) -> V)
    where Items.Element: Identifiable {}
}
public struct Section: Leaf {
    public init<V: View>(_ title: String, @ViewBuilder content: () -> V) {}
    public init<V: View, F: View>(@ViewBuilder content: () -> V, @ViewBuilder footer: () -> F) {}
}
public struct VStack: Leaf {
    public init<V: View>(alignment: HorizontalAlignment = .center, spacing: Double? = nil, @ViewBuilder content: () -> V) {}
}
public struct HStack: Leaf { public init<V: View>(@ViewBuilder content: () -> V) {} }
public struct Text: Leaf { public init(_ text: String) {} }
public struct Image: Leaf { public init(systemName: String) {} }
public struct Spacer: Leaf { public init() {} }
public struct ProgressView: Leaf { public init() {} }
public struct TextField: Leaf { public init(_ title: String, text: Binding<String>) {} }
public struct SecureField: Leaf { public init(_ title: String, text: Binding<String>) {} }
public struct Button: Leaf {
    public init(_ title: String, role: ButtonRole? = nil, action: @escaping @MainActor () -> Void) {}
    public init<V: View>(role: ButtonRole?, action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> V) {}
}
@MainActor public protocol ToolbarContent {}
public struct ToolbarItem: ToolbarContent {
    public init<V: View>(placement: Placement, @ViewBuilder content: () -> V) {}
}
@resultBuilder public enum ToolbarBuilder {
    public static func buildBlock<each T: ToolbarContent>(_ items: repeat each T) {}
}

extension View {
    public func navigationTitle(_ title: String) -> some View { self }
    public func id(_ id: Int) -> some View { self }
    public func interactiveDismissDisabled() -> some View { self }
    public func disabled(_ disabled: Bool) -> some View { self }
    public func font(_ font: Font) -> some View { self }
    public func monospacedDigit() -> some View { self }
    public func keyboardType(_ type: KeyboardType) -> some View { self }
    public func textInputAutocapitalization(_ how: Capitalization) -> some View { self }
    public func autocorrectionDisabled() -> some View { self }
    public func accessibilityElement(children: Children) -> some View { self }
    public func buttonStyle(_ style: BorderedStyle) -> some View { self }
    public func frame(maxWidth: Double, alignment: Alignment = .center) -> some View { self }
    public func overlay<V: View>(@ViewBuilder content: () -> V) -> some View { self }
    public func toolbar(@ToolbarBuilder content: () -> Void) -> some View { self }
    public func task(_ action: @escaping @MainActor () async -> Void) -> some View { self }
    public func onOpenURL(perform action: @escaping @MainActor (URL) -> Void) -> some View { self }
    public func onReceive(_ publisher: TimerPublisher, perform action: @escaping @MainActor (Date) -> Void) -> some View { self }
    public func sheet<V: View>(isPresented: Binding<Bool>, @ViewBuilder content: @escaping () -> V) -> some View { self }
    public func alert<A: View>(_ title: String, isPresented: Binding<Bool>, @ViewBuilder actions: () -> A) -> some View { self }
    public func alert<A: View, M: View>(
        _ title: String, isPresented: Binding<Bool>, @ViewBuilder actions: () -> A, @ViewBuilder message: () -> M
    ) -> some View { self }
}
