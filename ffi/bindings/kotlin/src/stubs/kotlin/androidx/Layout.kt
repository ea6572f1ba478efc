@file:Suppress("unused", "UNUSED_PARAMETER")

package androidx.compose.foundation.layout

import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.Dp

fun Modifier.padding(all: Dp): Modifier = this

fun Modifier.fillMaxWidth(): Modifier = this

@Composable
fun Column(modifier: Modifier = Modifier, content: @Composable () -> Unit) {}

@Composable
fun Row(modifier: Modifier = Modifier, content: @Composable () -> Unit) {}
